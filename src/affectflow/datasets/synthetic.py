"""Telling drawn data from real data, and keeping them apart."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from affectflow.core.errors import UserError

DEMO = Path("results/demo")
NOTE = "drawn by affectflow: no real person, not for conclusions about people"
MARKER = "DRAWN.txt"
"""A file of this name in a data set's folder says that the set is drawn."""


def mark(root: Path) -> None:
    """Mark a data set's folder as drawn."""
    root.mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text(NOTE + "\n", encoding="utf-8")


def is_drawn(path: Path) -> bool:
    """Whether a data set's folder or table is drawn: made by the demo, or marked as such wherever it lies now."""
    inside = Path(os.path.abspath(path)).is_relative_to(DEMO.absolute())
    return inside or (path / MARKER).is_file() or (path.suffix == ".xlsx" and _noted(path))


def check_unmixed(sources: Mapping[str, Path]) -> bool:
    """True when all sources (by configuration key) are drawn, False when all are real or there are none.

    Raises :class:`UserError` when they are mixed: a score across the two would mean nothing.
    """
    drawn = {key: is_drawn(path) for key, path in sources.items()}
    if len(set(drawn.values())) > 1:
        one = next(key for key, value in drawn.items() if value)
        other = next(key for key, value in drawn.items() if not value)
        raise UserError(
            f"{one} points at drawn data ({sources[one]}) and {other} at real data ({sources[other]}); "
            "point both at the same kind, or set one of them to null."
        )
    return any(drawn.values())


def _noted(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return NOTE.encode() in archive.read("docProps/core.xml")
    except (OSError, KeyError, zipfile.BadZipFile):
        return False
