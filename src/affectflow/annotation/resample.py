"""A recording's values at the frames of its video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.recording import Course, Recording

Numbers = NDArray[np.float64]
_ROUNDING_S = 1e-4
"""Manifests have four decimals."""


def at_frames(recording: Recording, times: Numbers, lag_s: float = 0.0) -> Numbers:
    """[frames], as exported; NaN where the recording says nothing. ``times`` [frames] are seconds.

    Who reacts ``lag_s`` seconds late means by a value the frame so much earlier.
    """
    wanted = times + lag_s
    match recording.course:
        case Course.FRAMES:
            values = np.full(len(times), np.nan)
            values[recording.at.astype(np.int64) - 1] = recording.values
            return values if lag_s == 0 else _along_lines(times, values, wanted)
        case Course.SAMPLES:
            return _along_lines(recording.at, recording.values, wanted)
        case Course.HELD:
            return _chosen(recording.values, np.searchsorted(recording.at, wanted + _ROUNDING_S, "right") - 1)
        case Course.BINS:
            return _chosen(recording.values, np.searchsorted(recording.at, wanted + _ROUNDING_S, "right"))


def _along_lines(at: Numbers, values: Numbers, wanted: Numbers) -> Numbers:
    """On straight lines between neighbours; nothing beyond the first and the last, or beside a missing value."""
    if not len(at):
        return np.full(len(wanted), np.nan)
    missing = np.isnan(values)
    found = np.interp(wanted, at, np.where(missing, 0.0, values))
    touched = np.interp(wanted, at, missing.astype(np.float64)) > 0
    slack = float(np.median(np.diff(wanted))) / 2 if len(wanted) > 1 else 0.0  # half a frame
    outside = (wanted < at[0] - slack) | (wanted > at[-1] + slack)
    return np.where(touched | outside, np.nan, found)


def _chosen(values: Numbers, places: NDArray[np.int64]) -> Numbers:
    inside = (places >= 0) & (places < len(values))
    return np.where(inside, np.append(values, np.nan)[np.where(inside, places, len(values))], np.nan)
