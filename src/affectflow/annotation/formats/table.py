"""Any other table with a header: a column of frames or times, and valence, arousal or value."""

from __future__ import annotations

import re

import numpy as np

from affectflow.annotation.formats.text import Text, check_rising, parse_number
from affectflow.annotation.recording import DIMENSIONS, Export, Interpolation, Recording
from affectflow.core.errors import UserError
from affectflow.tables.delimited import check_names, table_of

_FRAME = "frame"
_UNITS = {"time": 1.0, "seconds": 1.0, "second": 1.0, "s": 1.0, "ms": 0.001, "time_ms": 0.001, "milliseconds": 0.001}
"""Seconds in a unit, by the name of a column of times."""
_VALUE = "value"
_WHOLE = re.compile(r"\d{1,15}(?:\.0*)?", re.ASCII)
_KNOWN = {_FRAME, *_UNITS, *DIMENSIONS, _VALUE}
_EXPECTED = "a column frame, time, seconds or ms, and columns valence and arousal, or value"


def read(text: Text) -> list[Export]:
    """Read a table; frames may be in any order and incomplete, and values are interpolated linearly between times."""
    path = text.path
    table = table_of(path, (f"{line}\n" for line in text.lines), _is_known, _EXPECTED)
    header = [name.lower() for name in table.header]
    check_names(str(path), header, _is_known)
    clock = next((name for name in (_FRAME, *_UNITS) if name in header), None)
    tracks = [name for name in (*DIMENSIONS, _VALUE) if name in header]
    if clock is None or not tracks or (_VALUE in tracks and len(tracks) > 1):
        raise UserError(f"{path} needs {_EXPECTED}; its columns are {', '.join(header)[:80]}.")
    rows = list(table.rows)
    lines = [line for line, _ in rows]

    def column(name: str) -> list[str]:
        index = header.index(name)
        return [cells[index].strip() for _, cells in rows]

    def numbers(name: str) -> list[float]:
        cells = zip(lines, column(name), strict=True)
        return [parse_number(path, line, cell, table.delimiter) for line, cell in cells]

    columns = {name: numbers(name) for name in tracks}
    if clock == _FRAME:
        interpolation = Interpolation.PER_FRAME
        positions = _frames(text, lines, column(clock))
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


def _is_known(name: str) -> bool:
    return name.lower() in _KNOWN


def _frames(text: Text, lines: list[int], cells: list[str]) -> list[float]:
    seen: set[int] = set()
    for line, cell in zip(lines, cells, strict=True):
        frame = int(float(cell)) if _WHOLE.fullmatch(cell) else 0
        if frame < 1:
            raise UserError(f"{text.path}, line {line}: frame {cell!r} is not a number from 1; export it again.")
        if frame in seen:
            raise UserError(f"{text.path}, line {line}: frame {frame} occurs twice; remove one of its lines.")
        seen.add(frame)
    return [float(cell) for cell in cells]
