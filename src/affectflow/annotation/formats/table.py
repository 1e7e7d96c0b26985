"""Any other table with a header: a column of frames or times, and valence, arousal or value."""

from __future__ import annotations

import numpy as np

from affectflow.annotation.formats.text import Text, number, rising, whole_row
from affectflow.annotation.recording import DIMENSIONS, Course, Export, Recording
from affectflow.core.errors import UserError

_FRAME = "frame"
_UNITS = {"time": 1.0, "seconds": 1.0, "second": 1.0, "s": 1.0, "ms": 0.001, "time_ms": 0.001, "milliseconds": 0.001}
"""Seconds, by the name of a column of times."""
_VALUE = "value"


def read(text: Text) -> list[Export]:
    """Frames may stand in any order, and be missing; between times lie straight lines."""
    path = text.path
    delimiter = text.delimiter(0)
    rows = list(text.rows(0, delimiter))
    header = [name.lower() for name in rows[0][1]] if rows else []
    clock = next((name for name in (_FRAME, *_UNITS) if name in header), None)
    tracks = [name for name in (*DIMENSIONS, _VALUE) if name in header]
    if clock is None or not tracks or (_VALUE in tracks and len(tracks) > 1):
        raise UserError(
            f"{path} needs a column frame, time, seconds or ms, and valence and arousal, or value; it has "
            f"{', '.join(header)[:80] or 'none'}."
        )
    lines = [line for line, _ in rows[1:]]
    cells = [whole_row(path, line, row, header) for line, row in rows[1:]]
    columns = {
        name: [number(path, line, row[header.index(name)], delimiter) for line, row in zip(lines, cells, strict=True)]
        for name in tracks
    }
    texts = [row[header.index(clock)] for row in cells]
    if clock == _FRAME:
        course, at = Course.FRAMES, _frames(text, lines, texts)
    else:
        at = [number(path, line, cell, delimiter) * _UNITS[clock] for line, cell in zip(lines, texts, strict=True)]
        rising(path, lines, at)
        course = Course.SAMPLES
    return [
        Recording(
            *(path, "table", course, np.array(at, np.float64), np.array(values), np.array(lines, np.int64)),
            dimension="" if name == _VALUE else name,
        )
        for name, values in columns.items()
    ]


def _frames(text: Text, lines: list[int], cells: list[str]) -> list[float]:
    seen: set[int] = set()
    for line, cell in zip(lines, cells, strict=True):
        frame = int(cell) if cell.isascii() and cell.isdigit() else 0
        if frame < 1:
            raise UserError(f"{text.path}, line {line}: frame {cell!r} is no number from 1 on; export it again.")
        if frame in seen:
            raise UserError(f"{text.path}, line {line}: frame {frame} occurs twice; remove one of its lines.")
        seen.add(frame)
    return [float(cell) for cell in cells]
