"""Error of a model on single frames."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import by_unit

_MIN_PROBABILITY = 1e-6
"""Keeps the cross-entropy of a wrong and certain prediction finite."""


def errors_of(table: pa.Table) -> NDArray[np.float64]:
    """Return the error of each row of a table of predictions, [rows]; NaN without a label that has a prediction.

    For AUs this is the mean cross-entropy in nats; where no AU is labelled, the distance in the valence/arousal plane.
    """
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    count, losses = np.zeros(len(table)), np.zeros(len(table))
    for unit in range(facs.COUNT):  # one at a time to limit memory: video benchmarks have millions of rows
        label, probability = units[:, unit], probabilities[:, unit].astype(np.float64)
        known = (label != facs.UNKNOWN) & ~np.isnan(probability)
        likelihood = np.where(label == facs.PRESENT, probability, 1 - probability)
        losses -= np.log(np.clip(np.where(known, likelihood, 1.0), _MIN_PROBABILITY, 1))
        count += known
    unit_errors = np.where(count > 0, losses / np.maximum(count, 1), np.nan)
    valence, arousal = (
        table[name].to_numpy().astype(np.float64) - table[f"predicted_{name}"].to_numpy()
        for name in ("valence", "arousal")
    )
    return np.asarray(np.where(np.isnan(unit_errors), np.hypot(valence, arousal), unit_errors))
