"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10


def gaps(truth: ArrayLike, probability: ArrayLike) -> NDArray[np.float64]:
    """Each frame's label minus its probability, in the column of the bin that the probability is in, [n, bins].

    Bins are a tenth wide and hold their lower end.
    """
    positive, value = np.asarray(truth, np.float64), np.asarray(probability, np.float64)
    bins = np.clip((value * BINS).astype(np.int64), 0, BINS - 1)
    return np.where(bins[:, None] == np.arange(BINS), (positive - value)[:, None], 0.0)


def calibration_error(sums: ArrayLike, frames: ArrayLike) -> NDArray[np.float64]:
    """Expected calibration error (Naeini et al. 2015) from sums over :func:`gaps`, [..., bins]; NaN of no frames."""
    total = np.abs(np.asarray(sums, np.float64)).sum(axis=-1)
    count = np.asarray(frames, np.float64)
    error: NDArray[np.float64] = np.divide(total, count, out=np.full(count.shape, np.nan), where=count != 0)
    return error
