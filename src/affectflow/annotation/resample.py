"""Resampling of a recording at the frames of its video."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.recording import Interpolation, Recording

Numbers = NDArray[np.float64]
_ROUNDING_S = 1e-4
"""Manifests give times with four decimals."""


def at_frames(recording: Recording, times: Numbers, lag_s: float = 0.0) -> Numbers:
    """Return the values of a recording at the frames of its video.

    Args:
        recording: The recording.
        times: [frames] in seconds.
        lag_s: Reaction lag in seconds; each value is assigned to the frame that was shown so much earlier.

    Returns:
        [frames], as exported; NaN for frames that the recording does not cover.
    """
    shifted = times + lag_s
    match recording.interpolation:
        case Interpolation.PER_FRAME:
            values = np.full(len(times), np.nan)
            values[recording.positions.astype(np.int64) - 1] = recording.values
            return values if lag_s == 0 else _interpolate(times, values, shifted)
        case Interpolation.LINEAR:
            return _interpolate(recording.positions, recording.values, shifted)
        case Interpolation.HOLD:
            indices = np.searchsorted(recording.positions, shifted + _ROUNDING_S, "right") - 1
            return _take(recording.values, indices)
        case Interpolation.BIN_MEAN:
            return _take(recording.values, np.searchsorted(recording.positions, shifted + _ROUNDING_S, "right"))


def _interpolate(positions: Numbers, values: Numbers, wanted: Numbers) -> Numbers:
    """Interpolate linearly; NaN before the first position, after the last, and beside a missing value."""
    if not len(positions):
        return np.full(len(wanted), np.nan)
    missing = np.isnan(values)
    found = np.interp(wanted, positions, np.where(missing, 0.0, values))
    beside_missing = np.interp(wanted, positions, missing.astype(np.float64)) > 0
    half_frame = float(np.median(np.diff(wanted))) / 2 if len(wanted) > 1 else 0.0
    outside = (wanted < positions[0] - half_frame) | (wanted > positions[-1] + half_frame)
    return np.where(beside_missing | outside, np.nan, found)


def _take(values: Numbers, indices: NDArray[np.int64]) -> Numbers:
    """Return the values at the indices, NaN for an index that is out of range."""
    inside = (indices >= 0) & (indices < len(values))
    return np.where(inside, np.append(values, np.nan)[np.where(inside, indices, len(values))], np.nan)
