"""What every data set offers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from affectflow.images import ImageError, decode_rgb
from affectflow.sample import Image, Picture, Sample

_TEST_SHARE = 0.25  # of the groups, where a set is split


class Dataset(Protocol):
    """An opened data set."""

    name: str
    left_out: Counter[str]
    """After ``samples()`` has been read to its end: how many frames or pictures were left out, by reason."""

    def groups(self) -> list[str]:
        """What must stay on one side of a split: persons where known, else videos."""
        ...

    def samples(self) -> Iterator[Sample]:
        """All labelled pictures in a fixed order; frames of a video follow each other."""
        ...


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


def read_picture(path: Path, left_out: Counter[str]) -> Image | None:
    """A still, decoded; None, and a reason in ``left_out``, where it cannot be."""
    try:
        return Picture(decode_rgb(path.read_bytes()).pixels)
    except FileNotFoundError:
        left_out["label without a picture"] += 1
    except (ImageError, OSError):
        left_out["picture that cannot be decoded"] += 1
    return None


def side_of(dataset: str, group: str) -> str:
    """``train`` or, for a quarter of the groups, ``test``; the same for ever."""
    digest = hashlib.sha256(f"{dataset} {group}".encode()).digest()
    return "test" if digest[0] / 256 < _TEST_SHARE else "train"
