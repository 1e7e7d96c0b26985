"""What every data set offers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets.face import Face
from affectflow.datasets.sample import Sample

_TEST_SHARE = 0.25  # of the groups, where a set is split


class Dataset(ABC):
    """An opened data set."""

    name: str

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        """How many frames or images of the parts read so far were left out, by reason."""

    @abstractmethod
    def groups(self) -> list[str]:
        """What must stay on one side of a split: persons where known, else videos."""

    @abstractmethod
    def parts(self) -> list[str]:
        """What the set is read by, such as videos, in a fixed order."""

    @abstractmethod
    def samples_of(self, part: str) -> Iterator[Sample]:
        """The labelled images of a part; frames of a video follow each other. Raises :class:`UserError`."""

    def faces_of(self, part: str) -> Mapping[int, Face] | None:
        """The faces that the set ships for a part, by frame; None where it ships none. Raises :class:`UserError`."""
        return None

    def samples(self) -> Iterator[Sample]:
        """All labelled images."""
        for part in self.parts():
            yield from self.samples_of(part)


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, in order, without what is hidden; raises :class:`UserError` where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}); see what lies there.") from None


def find(folder: Path, name: str) -> Path | None:
    """The entry of a folder with this name, or else the one that differs in case alone, or None.

    Owners spell their own files differently. Raises :class:`UserError` where several differ in case alone.
    """
    alike = [path for path in entries(folder) if path.name.lower() == name.lower()]
    exact = [path for path in alike if path.name == name]
    if len(alike) > 1 and not exact:
        raise UserError(f"{alike[0]} and {alike[1]} differ in case alone; remove or rename one of them.")
    return next(iter(exact or alike), None)


def visible(folder: Path, ending: str) -> list[Path]:
    """The files of a folder whose names end so, in any case, in order."""
    return [path for path in entries(folder) if path.name.lower().endswith(ending)]


def find_folder(root: Path, *spellings: str) -> Path | None:
    """The first folder under ``root`` that bears one of the names in use for it."""
    for spelling in spellings:
        found = find(root, spelling)
        if found is not None and found.is_dir():
            return found
    return None


def folders(root: Path) -> list[Path]:
    """The folders in a folder, in order."""
    return [path for path in entries(root) if path.is_dir()]


def number_of(path: Path) -> int | None:
    """The number that a file is named by, None where it has another name."""
    return int(path.stem) if path.stem.isascii() and path.stem.isdecimal() else None


def lines_of(path: Path, stream: Iterable[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, of a file in which the place of a line says to which frame it belongs.

    Blank lines may stand at the end; raises :class:`UserError` for one before others.
    """
    blank = 0
    for number, line in enumerate(stream, start=first):
        if not line.strip():
            blank = blank or number
            continue
        if blank:
            raise UserError(f"{path}, line {blank}: a blank line, and others after it; every line belongs to a frame.")
        yield number, line


def side_of(dataset: str, group: str) -> str:
    """``train`` or, for a quarter of the groups, ``test``; the same for ever."""
    digest = hashlib.sha256(f"{dataset} {group}".encode()).digest()
    return "test" if digest[0] / 256 < _TEST_SHARE else "train"
