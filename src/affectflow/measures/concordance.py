"""Lin's concordance correlation coefficient, the field's measure for valence and arousal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def concordance(x: ArrayLike, y: ArrayLike) -> float:
    """CCC = 2 cov(x, y) / (var x + var y + (mean x - mean y)^2), with population moments (Lin 1989).

    ``x`` and ``y`` have shape [n]. NaN when n is 0 or both are the same constant.
    """
    first, second = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if first.size == 0:
        return float("nan")
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return float("nan") if first[0] == second[0] else 0.0  # rounding would leave a variance of its own
    covariance = np.mean((first - first.mean()) * (second - second.mean()))
    spread = first.var() + second.var() + (first.mean() - second.mean()) ** 2
    return float(2 * covariance / spread)
