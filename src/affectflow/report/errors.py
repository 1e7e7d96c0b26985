"""How far off a model is, frame by frame."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import by_unit

_MOST_CERTAIN = 1e-6


def errors_of(table: pa.Table) -> NDArray[np.float64]:
    """The error of each row of a table of predictions, [rows], NaN where no label meets an output.

    Of AUs the mean cross-entropy in nats; where none is labelled, the distance in the plane of valence and arousal.
    """
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    count, losses = np.zeros(len(table)), np.zeros(len(table))
    for unit in range(facs.COUNT):  # a set of videos has so many rows that all at once would fill the memory
        label, probability = units[:, unit], probabilities[:, unit].astype(np.float64)
        known = (label != facs.UNKNOWN) & ~np.isnan(probability)
        likelihood = np.where(label == facs.PRESENT, probability, 1 - probability)
        losses -= np.log(np.clip(np.where(known, likelihood, 1.0), _MOST_CERTAIN, 1))
        count += known
    of_units = np.where(count > 0, losses / np.maximum(count, 1), np.nan)
    gaps = [
        table[name].to_numpy().astype(np.float64) - table[f"predicted_{name}"].to_numpy()
        for name in ("valence", "arousal")
    ]
    return np.asarray(np.where(np.isnan(of_units), np.hypot(*gaps), of_units))
