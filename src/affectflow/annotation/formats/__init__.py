"""Formats of annotation tools, recognized by the content of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from affectflow.annotation.formats import affectflow_log, carma, cvat, label_studio, lines, pagan, table
from affectflow.annotation.formats.text import Text, read_text
from affectflow.annotation.recording import Export
from affectflow.core.errors import UserError

_READERS: tuple[tuple[Callable[[Text], bool], Callable[[Text], list[Export]]], ...] = (
    (affectflow_log.matches, affectflow_log.read),
    (label_studio.matches, label_studio.read),
    (cvat.matches, cvat.read),
    (pagan.matches, pagan.read),
    (carma.matches, carma.read),
    (lines.matches, lines.read),
)


def read_export(path: Path) -> list[Export]:
    """Read what an annotation tool exported, in any known format.

    Raises:
        UserError: With file and line, if the file is damaged or its format is unknown.
    """
    text = read_text(path)
    if not text.lines:
        raise UserError(f"{path} is empty; export it again.")
    return next((read for matches, read in _READERS if matches(text)), table.read)(text)
