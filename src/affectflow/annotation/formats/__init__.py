"""Files of annotation tools, told apart by their content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from affectflow.annotation.formats import carma, cvat, label_studio, lines, own, pagan, table
from affectflow.annotation.formats.text import Text, read_text
from affectflow.annotation.recording import Export
from affectflow.core.errors import UserError

_READERS: tuple[tuple[Callable[[Text], bool], Callable[[Text], list[Export]]], ...] = (
    (own.is_one, own.read),
    (label_studio.is_one, label_studio.read),
    (cvat.is_one, cvat.read),
    (pagan.is_one, pagan.read),
    (carma.is_one, carma.read),
    (lines.is_one, lines.read),
)


def read_export(path: Path) -> list[Export]:
    """What a file holds, whatever wrote it.

    Raises :class:`UserError`, with file and line, for what is damaged or of no known form.
    """
    text = read_text(path)
    if not text.lines:
        raise UserError(f"{path} is empty; export it again.")
    return next((read for is_one, read in _READERS if is_one(text)), table.read)(text)
