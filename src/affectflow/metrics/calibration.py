"""Calibration of probabilities: reliability bins and the expected calibration error (Naeini et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 10
"""Bins have equal widths and hold their lower end; the last holds 1 too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """One bin of a reliability diagram: its lower end, frames, mean probability and share of positives."""

    low: float
    count: int
    mean_probability: float
    positive_rate: float


def reliability_bins(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> list[ReliabilityBin]:
    """Return the bins that hold any frame.

    Args:
        truth: whether each frame is positive, bool [n].
        probability: from 0 to 1, [n].
    """
    bins = _bin_of(probability)
    found = []
    for number in np.unique(bins):
        inside = bins == number
        found.append(
            ReliabilityBin(
                low=number / BINS,
                count=int(inside.sum()),
                mean_probability=float(probability[inside].mean()),
                positive_rate=float(truth[inside].mean()),
            )
        )
    return found


def residuals_per_bin(truth: ArrayLike, probability: ArrayLike) -> NDArray[np.float64]:
    """Return label minus probability of each frame in the column of its bin and 0 elsewhere, [n, bins].

    Args:
        truth: whether each frame is positive, bool [n].
        probability: from 0 to 1, [n].
    """
    positive, value = np.asarray(truth, np.float64), np.asarray(probability, np.float64)
    return np.where(_bin_of(value)[:, None] == np.arange(BINS), (positive - value)[:, None], 0.0)


def expected_calibration_error(residuals: ArrayLike, frames: ArrayLike) -> NDArray[np.float64]:
    """Return the expected calibration error (Naeini et al. 2015).

    Args:
        residuals: sum over each bin's frames of label minus probability, [..., bins].
        frames: number of frames of all bins, [...].

    Returns:
        Mean distance of probability and positive rate, weighted by frames, [...]; NaN without frames.
    """
    total = np.abs(np.asarray(residuals, np.float64)).sum(axis=-1)
    count = np.asarray(frames, np.float64)
    error: NDArray[np.float64] = np.divide(total, count, out=np.full(count.shape, np.nan), where=count != 0)
    return error


def expected_by_chance(probability: ArrayLike) -> float:
    """Return about the calibration error that probabilities have on as many frames where they are exactly right.

    Labels differ from right probabilities by chance: a bin's mean distance is that of a normal variable whose variance
    is the sum of p (1 - p), as if frames were independent.

    Args:
        probability: from 0 to 1, [n].
    """
    value = np.asarray(probability, np.float64)
    if not value.size:
        return float("nan")
    variance = np.bincount(_bin_of(value), value * (1 - value), minlength=BINS)
    return float(np.sqrt(2 / np.pi * variance).sum() / value.size)


def calibration_error_of_bins(bins: Sequence[ReliabilityBin]) -> float:
    """Return the expected calibration error of reliability bins, of one label or of several together."""
    residuals = [one.count * (one.positive_rate - one.mean_probability) for one in bins]
    return float(expected_calibration_error(residuals, sum(one.count for one in bins)))


def _bin_of(probability: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip((probability * BINS).astype(np.int64), 0, BINS - 1)
