"""CARMA (Girard 2014) and DARMA (Girard and Wright 2018): rows about the recording, a header, a row of percent signs,
and a mean for each bin of time, which is named by its end."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np

from affectflow.annotation.formats.text import Text, number, rising, whole_row
from affectflow.annotation.recording import AROUSAL, VALENCE, Course, Export, Recording
from affectflow.core.errors import UserError

_FENCE = "%%%%"
_LONGEST_HEAD = 40
_VIDEO, _LOWEST, _HIGHEST, _MAGNITUDE = "multimedia file", "minimum value", "maximum value", "magnitude"


def is_one(text: Text) -> bool:
    return _fence(text) is not None


def read(text: Text) -> list[Export]:
    """A recording of CARMA's one dimension, or DARMA's two: x is valence and y arousal where labels do not say."""
    path, fence = text.path, _fence(text)
    assert fence is not None
    head = [next(csv.reader([line])) for line in text.lines[:fence]]
    header = [cell.strip() for cell in head[-1]] if head else []
    if len(header) < 2 or header[0].lower() != "second":
        raise UserError(f"{path}, line {fence}: the header is not Second,Rating or Second,x,y,Button; export it again.")
    facts = {row[0].strip().lower(): row[1].strip() for row in head[:-1] if len(row) > 1}
    rows = [(line, whole_row(path, line, cells, header)) for line, cells in text.rows(fence + 1, ",")]
    lines = [line for line, _ in rows]
    ends = [number(path, line, cells[0]) for line, cells in rows]
    rising(path, lines, ends)
    limits = _limits(text, facts)
    return [
        Recording(
            *(path, "DARMA" if len(header) > 2 else "CARMA", Course.BINS, np.array(ends, np.float64)),
            np.array([number(path, line, cells[place]) for line, cells in rows], np.float64),
            *(np.array(lines, np.int64), limits),
            dimension=dimension,
            video=facts.get(_VIDEO, ""),
        )
        for place, dimension in _tracks(header).items()
    ]


def _fence(text: Text) -> int | None:
    starts = (i for i, line in enumerate(text.lines[:_LONGEST_HEAD]) if line.lstrip('" ').startswith(_FENCE))
    return next(starts, None)


def _tracks(header: Sequence[str]) -> dict[int, str]:
    """The dimension of each column with values; empty where nobody says."""
    if len(header) == 2:
        label = header[1].lower()
        return {1: next((name for name in (VALENCE, AROUSAL) if name in label), "")}
    swapped = AROUSAL in header[1].lower() or VALENCE in header[2].lower()
    return {1: AROUSAL, 2: VALENCE} if swapped else {1: VALENCE, 2: AROUSAL}


def _limits(text: Text, facts: dict[str, str]) -> tuple[float, float] | None:
    try:
        if _MAGNITUDE in facts:
            return -float(facts[_MAGNITUDE]), float(facts[_MAGNITUDE])
        if _LOWEST in facts and _HIGHEST in facts:
            return float(facts[_LOWEST]), float(facts[_HIGHEST])
    except ValueError:
        raise UserError(f"{text.path}: the range that it says it was rated in is no number; export it again.") from None
    return None
