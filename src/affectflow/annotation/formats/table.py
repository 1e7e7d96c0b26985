"""Any other table with a header: a column of frames or times, and valence, arousal or value."""

from __future__ import annotations

import numpy as np

from affectflow.annotation.formats.text import Text, check_rising, check_row, parse_number
from affectflow.annotation.recording import DIMENSIONS, Export, Interpolation, Recording
from affectflow.core.errors import UserError

_FRAME = "frame"
_UNITS = {"time": 1.0, "seconds": 1.0, "second": 1.0, "s": 1.0, "ms": 0.001, "time_ms": 0.001, "milliseconds": 0.001}
"""Seconds in a unit, by the name of a column of times."""
_VALUE = "value"


def read(text: Text) -> list[Export]:
    """Read a table; frames may be in any order and incomplete, and values are interpolated linearly between times."""
    path = text.path
    delimiter = text.delimiter(0)
    rows = list(text.rows(0, delimiter))
    header = [name.lower() for name in rows[0][1]] if rows else []
    clock = next((name for name in (_FRAME, *_UNITS) if name in header), None)
    tracks = [name for name in (*DIMENSIONS, _VALUE) if name in header]
    if clock is None or not tracks or (_VALUE in tracks and len(tracks) > 1):
        raise UserError(
            f"{path} needs a column frame, time, seconds or ms, and columns valence and arousal, or value; its columns "
            f"are {', '.join(header)[:80] or 'missing'}."
        )
    lines = [line for line, _ in rows[1:]]
    cells = [check_row(path, line, row, header) for line, row in rows[1:]]

    def numbers(column: str) -> list[float]:
        index = header.index(column)
        return [parse_number(path, line, row[index], delimiter) for line, row in zip(lines, cells, strict=True)]

    columns = {name: numbers(name) for name in tracks}
    if clock == _FRAME:
        interpolation = Interpolation.PER_FRAME
        positions = _frames(text, lines, [row[header.index(clock)] for row in cells])
    else:
        interpolation = Interpolation.LINEAR
        positions = [number * _UNITS[clock] for number in numbers(clock)]
        check_rising(path, lines, positions)
    return [
        Recording(
            path=path,
            tool="table",
            interpolation=interpolation,
            positions=np.array(positions, np.float64),
            values=np.array(values),
            lines=np.array(lines, np.int64),
            dimension="" if name == _VALUE else name,
        )
        for name, values in columns.items()
    ]


def _frames(text: Text, lines: list[int], cells: list[str]) -> list[float]:
    seen: set[int] = set()
    for line, cell in zip(lines, cells, strict=True):
        frame = int(cell) if cell.isascii() and cell.isdigit() else 0
        if frame < 1:
            raise UserError(f"{text.path}, line {line}: frame {cell!r} is not a number from 1; export it again.")
        if frame in seen:
            raise UserError(f"{text.path}, line {line}: frame {frame} occurs twice; remove one of its lines.")
        seen.add(frame)
    return [float(cell) for cell in cells]
