"""Reading one annotator's traces of one batch.

``batch_001_valence.txt`` holds one value per line and frame, without a header (the form of the 2017 report's tool
and of Aff-Wild); ``batch_001.csv`` holds the columns ``frame`` (from 1), ``valence`` and ``arousal``.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.synthetic import MARKER
from affectflow.tables import open_text

DIMENSIONS = ("valence", "arousal")
_NAME = re.compile(r"batch_(\d+)(?:_(valence|arousal))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One dimension of one batch by one annotator: float64 [frames] in [-1, 1], NaN where there is no value."""

    path: Path
    annotator: str
    batch: int
    dimension: str
    values: NDArray[np.float64]


def find_traces(folder: Path) -> list[Path]:
    """The trace files below a folder, in a fixed order; a sub-folder's name is its annotator's."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; correct data.annotations or set it to null.")
    files = (path for path in folder.rglob("*") if path.suffix.lower() in (".txt", ".csv") and path.is_file())
    hidden = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in hidden if path.name.lower() not in (MARKER.lower(), "manifest.csv"))


def read_traces(path: Path, folder: Path, frames: dict[int, int], trace_range: float) -> list[Trace]:
    """The traces in one file, scaled to [-1, 1]. ``frames`` maps a batch to its number of frames.

    Raises :class:`UserError`, with file and line, for a batch that does not exist, a number of values that is not
    the batch's number of frames, text that is no number, and values out of range.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise UserError(f"{path} is not named after a batch; call it batch_001_valence.txt or batch_001.csv.")
    batch = int(match.group(1))
    if batch not in frames:
        raise UserError(f"{path} is a trace of batch {batch}, which does not exist; there are {len(frames)} batches.")
    annotator = "/".join(path.parent.relative_to(folder).parts) or "annotator"
    if match.group(2):
        columns = {match.group(2).lower(): _lines(path, frames[batch], trace_range)}
    else:
        columns = _table(path, frames[batch], trace_range)
    return [Trace(path, annotator, batch, dimension, values) for dimension, values in columns.items()]


def _lines(path: Path, frames: int, trace_range: float) -> NDArray[np.float64]:
    with open_text(path) as stream:
        lines = stream.read().splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    if len(lines) != frames:
        raise UserError(f"{path} has {len(lines)} values but its batch has {frames} frames; export it again.")
    return np.array([_number(path, i, line, trace_range) for i, line in enumerate(lines, start=1)])


def _table(path: Path, frames: int, trace_range: float) -> dict[str, NDArray[np.float64]]:
    with open_text(path) as stream:
        reader = csv.DictReader(stream)
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        present = [dimension for dimension in DIMENSIONS if dimension in header]
        if "frame" not in header or not present:
            raise UserError(
                f"{path} needs the columns frame, valence and arousal; it has {', '.join(header) or 'none'}."
            )
        columns = {dimension: np.full(frames, np.nan) for dimension in present}
        seen: set[int] = set()
        for row in reader:
            text = (row["frame"] or "").strip()
            frame = int(text) if text.isascii() and text.isdigit() else 0
            if not 1 <= frame <= frames:
                raise UserError(f"{path}, line {reader.line_num}: frame {text!r} is not between 1 and {frames}.")
            if frame in seen:
                raise UserError(f"{path}, line {reader.line_num}: frame {frame} occurs twice; remove one of its lines.")
            seen.add(frame)
            for dimension, values in columns.items():
                values[frame - 1] = _number(path, reader.line_num, row[dimension] or "", trace_range)
    return columns


def _number(path: Path, line: int, text: str, trace_range: float) -> float:
    """A value scaled to [-1, 1]; NaN for an empty cell."""
    text = text.strip()
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{path}, line {line}: {text[:40]!r} is no number; write it with a decimal point.") from None
    if not abs(value) <= trace_range * (1 + 1e-9):
        raise UserError(
            f"{path}, line {line}: {text} lies outside -{trace_range:g} to {trace_range:g}; "
            "correct it or annotation.trace_range."
        )
    return max(-1.0, min(1.0, value / trace_range))
