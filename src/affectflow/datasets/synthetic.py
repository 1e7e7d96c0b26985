"""Distinguish drawn data from real data, and keep the two apart."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from affectflow.core.errors import UserError

DEMO = Path("results/demo")
NOTE = "drawn by affectflow: no real person, not for conclusions about people"
MARKER = "DRAWN.txt"
"""A file of this name in the folder of a data set says that the set is drawn."""


def mark_as_drawn(root: Path) -> None:
    """Mark the folder of a data set as drawn."""
    root.mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text(NOTE + "\n", encoding="utf-8")


def is_drawn(path: Path) -> bool:
    """Return whether a folder or table is drawn: it is in the demo's folder, or it is marked as drawn."""
    inside = Path(os.path.abspath(path)).is_relative_to(DEMO.absolute())
    return inside or (path / MARKER).is_file() or (path.suffix == ".xlsx" and _noted(path))


def check_unmixed(sources: Mapping[str, Path]) -> bool:
    """Return whether all sources (by configuration key) are drawn; False where all are real or there are none.

    Raises :class:`UserError` where they are mixed, because a score across the two would be meaningless.
    """
    drawn = {key: is_drawn(path) for key, path in sources.items()}
    if len(set(drawn.values())) > 1:
        one = next(key for key, value in drawn.items() if value)
        other = next(key for key, value in drawn.items() if not value)
        raise UserError(
            f"{one} points at drawn data ({sources[one]}) and {other} at real data ({sources[other]}); "
            "set both to the same kind of data, or one of them to null."
        )
    return any(drawn.values())


def _noted(path: Path) -> bool:
    """Return whether the properties of a workbook say that it is drawn."""
    try:
        with zipfile.ZipFile(path) as archive:
            return NOTE.encode() in archive.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
