"""Predictions of films -> a table of events: when each action unit sets in, is strongest, and ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.labels import by_unit
from affectflow.evaluation.measured import THRESHOLD
from affectflow.evaluation.predictions import PREDICTIONS_SCHEMA
from affectflow.evaluation.smoothing import runs_of
from affectflow.measures.events import Events, find_events
from affectflow.tables import read_parquet, write_csv

EVENT_COLUMNS = ("unit", "of", "subject", "video", "onset", "apex", "offset", "peak")
"""``of`` is ``label`` or ``output``. Onset, apex (the first of the strongest) and offset are frames of the film, all
inclusive. ``peak`` is the intensity of a label at its apex (empty where none is known), or the probability of an
output."""


def write_events(predictions: Path, out: Path) -> int:
    """Write the events of all AUs that are labelled or answered; returns their number."""
    return write_csv(out, EVENT_COLUMNS, _rows(read_parquet(predictions, PREDICTIONS_SCHEMA)))


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    run = runs_of(table)
    units, intensities = by_unit(table, "units"), by_unit(table, "intensities")
    probabilities = by_unit(table, "probabilities")
    columns = {name: table[name].to_pylist() for name in ("subject", "video", "frame")}

    def listed(unit: str, of: str, events: Events, strength: NDArray[np.float32]) -> Iterator[tuple[Any, ...]]:
        apexes = events.apex(np.nan_to_num(strength))
        for first, apex, last in zip(events.onset.tolist(), apexes.tolist(), events.offset.tolist(), strict=True):
            frames = (columns["frame"][row] for row in (first, apex, last))
            peak = "" if np.isnan(strength[apex]) else round(float(strength[apex]), 6)
            yield unit, of, columns["subject"][first], columns["video"][first], *frames, peak

    for place, unit in enumerate(facs.LABELS):
        yield from listed(unit, "label", find_events(units[:, place] == facs.PRESENT, run), intensities[:, place])
        called = probabilities[:, place] >= THRESHOLD
        yield from listed(unit, "output", find_events(called, run), probabilities[:, place])
