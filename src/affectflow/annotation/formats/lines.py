"""One value per line and frame without a header, as in Aff-Wild; or Aff-Wild2's two columns ``valence,arousal``.

Under Aff-Wild2's header, -5 is a missing value.
"""

from __future__ import annotations

import re

import numpy as np

from affectflow.annotation.formats.text import Text, check_row, is_number, parse_number
from affectflow.annotation.recording import DIMENSIONS, Export, Interpolation, Recording

_NO_VALUE = -5.0
_HEADER = re.compile(r"\s*valence\s*[,;\t]\s*arousal\s*", re.IGNORECASE)


def matches(text: Text) -> bool:
    """Return whether the file begins with a number or with Aff-Wild2's header."""
    first = next(line for line in text.lines if line.strip())
    return is_number(first.strip()) or _HEADER.fullmatch(text.lines[0]) is not None


def read(text: Text) -> list[Export]:
    """Read a frame per line; an empty line is a frame without a value."""
    if _HEADER.fullmatch(text.lines[0]):
        return _two_columns(text)
    values = [parse_number(text.path, i, line) for i, line in enumerate(text.lines, start=1)]
    return [_recording(text, "lines", "", values, first_line=1)]


def _two_columns(text: Text) -> list[Export]:
    delimiter = text.delimiter(0)
    columns: tuple[list[float], list[float]] = ([], [])
    for line, content in enumerate(text.lines[1:], start=2):  # by position: a blank line is a frame without values
        cells = [cell.strip().strip('"') for cell in content.split(delimiter)] if content.strip() else ["", ""]
        check_row(text.path, line, cells, DIMENSIONS)
        for column, cell in zip(columns, cells, strict=False):
            value = parse_number(text.path, line, cell, delimiter)
            column.append(np.nan if value == _NO_VALUE else value)
    return [
        _recording(text, "Aff-Wild2", dimension, column, first_line=2)
        for dimension, column in zip(DIMENSIONS, columns, strict=True)
    ]


def _recording(text: Text, tool: str, dimension: str, values: list[float], first_line: int) -> Recording:
    count = len(values)
    return Recording(
        path=text.path,
        tool=tool,
        interpolation=Interpolation.PER_FRAME,
        positions=np.arange(1, count + 1, dtype=np.float64),
        values=np.array(values),
        lines=np.arange(first_line, first_line + count),
        limits=(-1.0, 1.0) if dimension else None,
        dimension=dimension,
        every_frame=True,
        blank_lines=text.blank,
    )
