"""What every data set offers."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from affectflow.sample import Sample

_TEST_SHARE = 0.25  # of the groups, where a set is split


class Dataset(ABC):
    """An opened data set."""

    name: str

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()
        """How many frames or pictures of the parts read so far were left out, by reason."""

    @abstractmethod
    def groups(self) -> list[str]:
        """What must stay on one side of a split: persons where known, else videos."""

    @abstractmethod
    def parts(self) -> list[str]:
        """What the set is read by, such as videos, in a fixed order."""

    @abstractmethod
    def samples_of(self, part: str) -> Iterator[Sample]:
        """The labelled pictures of a part; frames of a video follow each other. Raises :class:`UserError`."""

    def samples(self) -> Iterator[Sample]:
        """All labelled pictures."""
        for part in self.parts():
            yield from self.samples_of(part)


def find(folder: Path, name: str) -> Path | None:
    """The entry of a folder with this name whatever its case, or None. Owners spell their own files differently."""
    wanted = name.lower()
    return next((path for path in sorted(folder.iterdir()) if path.name.lower() == wanted), None)


def visible(folder: Path, ending: str) -> list[Path]:
    """The files of a folder whose names end so, in order, without the ``._`` files that some archives leave."""
    return sorted(p for p in folder.iterdir() if p.name.lower().endswith(ending) and not p.name.startswith("."))


def find_folder(root: Path, *spellings: str) -> Path | None:
    """The first folder under ``root`` that bears one of the names in use for it."""
    for spelling in spellings:
        found = find(root, spelling)
        if found is not None and found.is_dir():
            return found
    return None


def folders(root: Path) -> list[Path]:
    """The folders in a folder, in order, without hidden ones."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def side_of(dataset: str, group: str) -> str:
    """``train`` or, for a quarter of the groups, ``test``; the same for ever."""
    digest = hashlib.sha256(f"{dataset} {group}".encode()).digest()
    return "test" if digest[0] / 256 < _TEST_SHARE else "train"
