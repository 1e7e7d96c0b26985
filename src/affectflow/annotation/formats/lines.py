"""One value a line and frame without a header, as the tool of the 2017 report and Aff-Wild have it; or two columns
``valence,arousal`` under a header, as Aff-Wild2 has them, where -5 is no value."""

from __future__ import annotations

import re

import numpy as np

from affectflow.annotation.formats.text import Text, is_number, number, whole_row
from affectflow.annotation.recording import DIMENSIONS, Course, Export, Recording

_NO_VALUE = -5.0
_HEADER = re.compile(r"\s*valence\s*[,;\t]\s*arousal\s*", re.IGNORECASE)


def is_one(text: Text) -> bool:
    first = next(line for line in text.lines if line.strip())
    return is_number(first.strip()) or _HEADER.fullmatch(text.lines[0]) is not None


def read(text: Text) -> list[Export]:
    """Every line is a frame, an empty one a frame without a value."""
    if _HEADER.fullmatch(text.lines[0]):
        return _two_columns(text)
    values = [number(text.path, i, line) for i, line in enumerate(text.lines, start=1)]
    return [_recording(text, "lines", "", values, first_line=1)]


def _two_columns(text: Text) -> list[Export]:
    delimiter = text.delimiter(0)
    columns: tuple[list[float], list[float]] = ([], [])
    for line, cells in text.rows(1, delimiter):
        whole_row(text.path, line, cells, DIMENSIONS)
        for column, cell in zip(columns, cells, strict=False):
            value = number(text.path, line, cell, delimiter)
            column.append(np.nan if value == _NO_VALUE else value)
    return [
        _recording(text, "Aff-Wild2", dimension, column, first_line=2)
        for dimension, column in zip(DIMENSIONS, columns, strict=True)
    ]


def _recording(text: Text, tool: str, dimension: str, values: list[float], first_line: int) -> Recording:
    count = len(values)
    limits = (-1.0, 1.0) if dimension else None
    lines = np.arange(first_line, first_line + count)
    at = np.arange(1, count + 1, dtype=np.float64)
    return Recording(
        *(text.path, tool, Course.FRAMES, at, np.array(values), lines, limits, dimension),
        every_frame=True,
        blank=text.blank,
    )
