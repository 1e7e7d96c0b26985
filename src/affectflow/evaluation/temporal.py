"""Predictions over time: means over neighbouring frames of a video, and a table of action unit events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import Outputs, by_unit
from affectflow.facs.expression import THRESHOLD
from affectflow.metrics.events import Events, find_events, runs
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import read_parquet

_UNIT_COLUMNS = ("probabilities", "predicted_intensities")
_AFFECT_COLUMNS = ("predicted_valence", "predicted_arousal")
EVENT_COLUMNS = ("unit", "source", "subject", "video", "onset", "apex", "offset", "peak")
"""``source`` is ``label`` or ``prediction``. Onset, apex (the first frame of the greatest strength) and offset are
frame numbers of the video, inclusive. ``peak`` is the intensity of a label at its apex, empty where it is unknown, or
the probability of a prediction."""


def smooth(outputs: Outputs, frames: int) -> Outputs:
    """Replace each prediction by the mean of the consecutive frames around it.

    At the ends of a run of consecutive frames there are fewer. Missing predictions are ignored and stay missing.

    Args:
        outputs: predictions and labels of all frames.
        frames: number of frames of a mean, odd.
    """
    table = outputs.table
    window = _Window(runs_of(table), frames)
    for name in _UNIT_COLUMNS:
        values = by_unit(table, name)
        means = np.empty(values.shape, np.float32)
        for unit in range(facs.COUNT):
            means[:, unit] = window.mean(values[:, unit])
        column = pa.FixedSizeListArray.from_arrays(pa.array(means.ravel(), pa.float32()), facs.COUNT)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    for name in _AFFECT_COLUMNS:
        column = pa.array(window.mean(table[name].to_numpy()).astype(np.float32))
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    return replace(outputs, table=table)


def runs_of(table: pa.Table) -> NDArray[np.int64]:
    """Number the runs of consecutive frames in a table of predictions; returns the run of each row, [rows]."""
    return runs(video_codes(table), table["frame"].to_numpy().astype(np.int64))


def video_codes(table: pa.Table) -> NDArray[np.int64]:
    """Number the videos in a table of predictions; returns the video of each row, [rows]."""
    columns = (table[name].to_pylist() for name in ("subject", "video"))
    names = [f"{subject}/{video}" for subject, video in zip(*columns, strict=True)]
    _, codes = np.unique(np.array(names, np.str_), return_inverse=True)
    return codes.astype(np.int64)


def write_events(predictions: Path, thresholds: Mapping[str, float], out: Path) -> int:
    """Write the events of all AUs in the labels and in the predictions.

    Args:
        predictions: table of predictions.
        thresholds: probability from which an AU counts as predicted, by AU.
        out: CSV with :data:`EVENT_COLUMNS`.

    Returns:
        The number of events.
    """
    return write_csv(out, EVENT_COLUMNS, _event_rows(read_parquet(predictions, PREDICTIONS_SCHEMA), thresholds))


class _Window:
    """The rows around each row that belong to the same run; ``run`` is [rows], ascending."""

    def __init__(self, run: NDArray[np.int64], frames: int) -> None:
        place, half = np.arange(len(run)), frames // 2
        self._first = np.maximum(place - half, np.searchsorted(run, run, "left"))
        self._stop = np.minimum(place + half + 1, np.searchsorted(run, run, "right"))

    def mean(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the mean of a column [rows] over each window, ignoring NaN; NaN where the row itself is NaN."""
        known = ~np.isnan(values)
        number = self._sum(known)
        sums = self._sum(np.where(known, values, 0.0))
        mean: NDArray[np.float64] = np.divide(sums, number, out=np.full(len(values), np.nan), where=known)
        return mean

    def _sum(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        before = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return np.asarray(before[self._stop] - before[self._first])


def _event_rows(table: pa.Table, thresholds: Mapping[str, float]) -> Iterator[tuple[Any, ...]]:
    run = runs_of(table)
    units, intensities = by_unit(table, "units"), by_unit(table, "intensities")
    probabilities = by_unit(table, "probabilities")
    columns = {name: table[name].to_pylist() for name in ("subject", "video", "frame")}

    def rows(unit: str, source: str, events: Events, strength: NDArray[np.float32]) -> Iterator[tuple[Any, ...]]:
        apexes = events.apex(np.nan_to_num(strength))
        for first, apex, last in zip(events.onset.tolist(), apexes.tolist(), events.offset.tolist(), strict=True):
            frames = (columns["frame"][row] for row in (first, apex, last))
            peak = "" if np.isnan(strength[apex]) else round(float(strength[apex]), 6)
            yield unit, source, columns["subject"][first], columns["video"][first], *frames, peak

    for column, unit in enumerate(facs.LABELS):
        yield from rows(unit, "label", find_events(units[:, column] == facs.PRESENT, run), intensities[:, column])
        predicted = probabilities[:, column] >= thresholds.get(unit, THRESHOLD)
        yield from rows(unit, "prediction", find_events(predicted, run), probabilities[:, column])
