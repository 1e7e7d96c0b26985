"""The interface of an opened data set, and helpers to read the folders of one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError

if TYPE_CHECKING:
    from affectflow.datasets.face import Face
    from affectflow.datasets.sample import Sample

_TEST_SHARE = 0.25  # of the groups of a set without a standard split
_MOST_DIGITS = 10  # of a number with zeros in front
MAX_LEFT_OVER = 2
"""By how many the labels and the frames of a video may differ: as many are counted as left over, with more of them it
is not sure which label belongs to which frame."""


class Dataset(ABC):
    """An opened data set."""

    name: str

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        """How many frames or images of the parts read so far were left out, by reason."""

    @abstractmethod
    def groups(self) -> list[str]:
        """Return the names of what must stay on one side of a split: persons where known, else videos."""

    @abstractmethod
    def parts(self) -> list[str]:
        """Return the names of the parts by which the set is read, such as videos, in a fixed order."""

    @abstractmethod
    def samples_of(self, part: str) -> Iterator[Sample]:
        """Yield the labelled images of a part, the frames of a video in their order.

        Raises :class:`UserError` for a file that is missing or malformed.
        """

    def labelled_of(self, part: str) -> Iterator[Sample]:
        """Yield all labelled frames of a part, on which a score is computed, in their order.

        A frame of which the set has no image, since no face was found in it, has
        :class:`affectflow.media.pixels.NoImage`: a score counts it too.
        """
        yield from self.samples_of(part)

    def faces_of(self, part: str) -> Mapping[int, Face] | None:
        """Return the faces that the set ships for a part, by frame; None where it ships none.

        Raises :class:`UserError` for a malformed file.
        """
        return None

    def samples(self) -> Iterator[Sample]:
        """Yield all labelled images."""
        for part in self.parts():
            yield from self.samples_of(part)


def entries(folder: Path) -> list[Path]:
    """List a folder in order, without hidden entries; raises :class:`UserError` where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from None


def find(folder: Path, name: str) -> Path | None:
    """Return the entry of a folder with this name, or else the one that differs in case alone, or None.

    The owners of a data set spell their own files differently. Raises :class:`UserError` where several entries differ
    in case alone.

    Args:
        folder: The folder.
        name: Name of the file or folder in it.
    """
    alike = [path for path in entries(folder) if path.name.lower() == name.lower()]
    exact = [path for path in alike if path.name == name]
    if len(alike) > 1 and not exact:
        raise UserError(f"{alike[0]} and {alike[1]} differ in case alone; remove or rename one of them.")
    return next(iter(exact or alike), None)


def visible(folder: Path, ending: str) -> list[Path]:
    """List the files of a folder whose names have this ending, in any case, in order.

    Args:
        folder: The folder.
        ending: The ending in lower case, such as ``.txt``.
    """
    return [path for path in entries(folder) if path.name.lower().endswith(ending)]


def by_name(paths: Iterable[Path], ending: str) -> dict[str, Path]:
    """Return files by their names without an ending; raise :class:`UserError` where two differ in case alone.

    Args:
        paths: The files.
        ending: The ending in lower case, such as ``-label.csv``.
    """
    paths = list(paths)
    check_case(paths)
    return {path.name[: -len(ending)]: path for path in paths}


def check_case(paths: Iterable[Path]) -> None:
    """Raise :class:`UserError` where two names differ in case alone: both would be taken for one."""
    seen: dict[str, Path] = {}
    for path in paths:
        if (other := seen.setdefault(path.name.lower(), path)) != path:
            raise UserError(f"{other} and {path} differ in case alone; remove or rename one of them.")


def find_folder(root: Path, *spellings: str) -> Path | None:
    """Return the first folder in ``root`` that has one of the given names, in any case, or None."""
    for spelling in spellings:
        found = find(root, spelling)
        if found is not None and found.is_dir():
            return found
    return None


def folders(root: Path) -> list[Path]:
    """List the folders in a folder, in order."""
    return [path for path in entries(root) if path.is_dir()]


def files_below(root: Path, *names: str, ending: str) -> list[Path]:
    """List the files of a folder below ``root`` as :func:`visible` does; none where there is no such folder.

    Args:
        root: The folder.
        names: The names of the folders on the way, in any case.
        ending: The ending in lower case, such as ``.jpg``.
    """
    folder: Path | None = root
    for name in names:
        folder = find_folder(folder, name) if folder is not None else None
    return visible(folder, ending) if folder is not None else []


def number_of(path: Path) -> int | None:
    """Return the number that a file is named by; None where its name is not a number."""
    return int(path.stem) if path.stem.isascii() and path.stem.isdecimal() else None


def has_zero(root: Path, ending: str) -> bool:
    """Return whether a folder in a folder has a file that is named by the number 0.

    Args:
        root: The folder of the folders.
        ending: The ending of the files.
    """
    endings = (ending, ending.upper(), f".{ending[1:].capitalize()}")
    names = [f"{'0' * digits}{one}" for digits in range(1, _MOST_DIGITS + 1) for one in endings]
    return any((folder / name).is_file() for folder in folders(root) for name in names)


def from_one(numbered: Mapping[int, Path], last: int) -> dict[int, Path]:
    """Return files by frame from 1, where counting from 0 is usual.

    Args:
        numbered: The files of one video by the number in their names.
        last: The number of the last frame: a file of this number tells that they are counted from 1, unless one is 0.
    """
    from_zero = 0 in numbered or last not in numbered
    return {number + from_zero: path for number, path in sorted(numbered.items())}


def lines_of(path: Path, stream: Iterable[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Yield numbered lines of a file in which the position of a line says to which frame it belongs.

    Args:
        path: The file, for messages.
        stream: Its lines.
        first: Number of the first line of ``stream``.

    Raises:
        UserError: For a blank line that is not at the end.
    """
    blank = 0
    for number, line in enumerate(stream, start=first):
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise UserError(
                f"{path}, line {blank}: a blank line before other lines, of which each belongs to a frame; "
                "fetch the file again."
            )
        yield number, line


def side_of(dataset: str, group: str) -> str:
    """Assign a group to ``train`` or, for a quarter of the groups, to ``test``, by a hash of its name.

    Args:
        dataset: Name of the data set, which is hashed, too.
        group: Name of the group.
    """
    digest = hashlib.sha256(f"{dataset} {group}".encode()).digest()
    return "test" if digest[0] / 256 < _TEST_SHARE else "train"
