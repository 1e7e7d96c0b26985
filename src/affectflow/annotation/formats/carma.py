"""CARMA (Girard 2014) and DARMA (Girard and Wright 2018).

A file has rows about the recording, a header, a row of percent signs, and the mean rating of each bin of time, given
with the end of the bin.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np

from affectflow.annotation.formats.text import Text, check_rising, check_row, parse_number
from affectflow.annotation.recording import AROUSAL, VALENCE, Export, Interpolation, Recording
from affectflow.core.errors import UserError

_FENCE = "%%%%"
_MAX_HEAD_LINES = 40
_VIDEO, _LOWEST, _HIGHEST, _MAGNITUDE = "multimedia file", "minimum value", "maximum value", "magnitude"


def matches(text: Text) -> bool:
    """Return whether a row of percent signs follows the first rows."""
    return _fence(text) is not None


def read(text: Text) -> list[Export]:
    """Read CARMA's one dimension or DARMA's two.

    DARMA's x is valence and y arousal unless the labels say otherwise.
    """
    path, fence = text.path, _fence(text)
    assert fence is not None
    head = [next(csv.reader([line])) for line in text.lines[:fence]]
    header = [cell.strip() for cell in head[-1]] if head else []
    if len(header) < 2 or header[0].lower() != "second":
        raise UserError(f"{path}, line {fence}: the header is not Second,Rating or Second,x,y,Button; export it again.")
    properties = {row[0].strip().lower(): row[1].strip() for row in head[:-1] if len(row) > 1}
    rows = [(line, check_row(path, line, cells, header)) for line, cells in text.rows(fence + 1, ",")]
    lines = [line for line, _ in rows]
    ends = [parse_number(path, line, cells[0]) for line, cells in rows]
    check_rising(path, lines, ends)
    limits = _limits(text, properties)
    return [
        Recording(
            path=path,
            tool="DARMA" if len(header) > 2 else "CARMA",
            interpolation=Interpolation.BIN_MEAN,
            positions=np.array(ends, np.float64),
            values=np.array([parse_number(path, line, cells[column]) for line, cells in rows], np.float64),
            lines=np.array(lines, np.int64),
            limits=limits,
            dimension=dimension,
            video=properties.get(_VIDEO, ""),
        )
        for column, dimension in _value_columns(header).items()
    ]


def _fence(text: Text) -> int | None:
    """Return the index of the row of percent signs."""
    indices = (i for i, line in enumerate(text.lines[:_MAX_HEAD_LINES]) if line.lstrip('" ').startswith(_FENCE))
    return next(indices, None)


def _value_columns(header: Sequence[str]) -> dict[int, str]:
    """Return the dimension of each column with values; empty if the label does not say."""
    if len(header) == 2:
        label = header[1].lower()
        return {1: next((name for name in (VALENCE, AROUSAL) if name in label), "")}
    swapped = AROUSAL in header[1].lower() or VALENCE in header[2].lower()
    return {1: AROUSAL, 2: VALENCE} if swapped else {1: VALENCE, 2: AROUSAL}


def _limits(text: Text, properties: dict[str, str]) -> tuple[float, float] | None:
    try:
        if _MAGNITUDE in properties:
            return -float(properties[_MAGNITUDE]), float(properties[_MAGNITUDE])
        if _LOWEST in properties and _HIGHEST in properties:
            return float(properties[_LOWEST]), float(properties[_HIGHEST])
    except ValueError:
        raise UserError(f"{text.path}: the range of the ratings is not given in numbers; export it again.") from None
    return None
