"""Outputs averaged over neighbouring frames of a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.labels import by_unit
from affectflow.evaluation.outputs import Outputs
from affectflow.measures.events import runs

_OF_UNITS = ("probabilities", "predicted_intensities")
_OF_AFFECT = ("predicted_valence", "predicted_arousal")


def smoothed(outputs: Outputs, frames: int) -> Outputs:
    """Each output as the mean over ``frames`` (odd) frames around it, as far as these follow each other.

    At the ends of a run there are fewer; outputs that are missing do not count, and stay missing.
    """
    table = outputs.table
    run = runs_of(table)
    for name in _OF_UNITS:
        mean = _moving_mean(by_unit(table, name), run, frames).astype(np.float32)
        column = pa.FixedSizeListArray.from_arrays(pa.array(mean.ravel(), pa.float32()), facs.COUNT)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    for name in _OF_AFFECT:
        mean = _moving_mean(table[name].to_numpy()[:, np.newaxis], run, frames).astype(np.float32)
        column = pa.array(mean[:, 0], pa.float32())
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return replace(outputs, table=table)


def runs_of(table: pa.Table) -> NDArray[np.int64]:
    """The run of consecutive frames that each row of a table of predictions belongs to, [rows]."""
    columns = (table[name].to_pylist() for name in ("subject", "video"))
    films = [f"{subject}/{video}" for subject, video in zip(*columns, strict=True)]
    _, film = np.unique(np.array(films, np.str_), return_inverse=True)
    return runs(film.astype(np.int64), table["frame"].to_numpy().astype(np.int64))


def _moving_mean(values: NDArray[np.float32], run: NDArray[np.int64], frames: int) -> NDArray[np.float64]:
    """Of columns [n, k]."""
    count, half = len(run), frames // 2
    place = np.arange(count)
    first = np.maximum(place - half, np.searchsorted(run, run, "left"))
    stop = np.minimum(place + half + 1, np.searchsorted(run, run, "right"))
    known = ~np.isnan(values)
    sums = _cumulated(np.where(known, values, 0.0))
    counts = _cumulated(known)
    number = counts[stop] - counts[first]
    mean = np.divide(sums[stop] - sums[first], number, out=np.full(values.shape, np.nan), where=number > 0)
    return np.where(known, mean, np.nan)


def _cumulated(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sums of the rows before each, [n + 1, k]."""
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
