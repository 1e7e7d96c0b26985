"""Measures of agreement between two tracks of numbers: labels and outputs, or two annotators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
_ROUNDING = 1e-12  # of a mean square: a variance below that is none


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Sums over pairs (x, y), and measures of them; of one case each, or of many side by side.

    Each sum has one shape, [] or that of the cases. Both tracks are counted from a point of their own, ``apart``
    from each other, that lies among their values: sums of squares then lose no digits. Moments are those of the
    population. Measures of no pairs are NaN.
    """

    pairs: Numbers
    x: Numbers
    y: Numbers
    xx: Numbers
    yy: Numbers
    xy: Numbers
    absolute: Numbers
    squared: Numbers
    same_sign: Numbers
    apart: float

    @classmethod
    def of(cls, sums: ArrayLike, apart: float) -> Agreement:
        """From sums over :func:`terms`, [..., 9]."""
        fields: list[Any] = [*np.moveaxis(np.asarray(sums, np.float64), -1, 0), apart]
        return cls(*fields)

    @property
    def mae(self) -> Numbers:
        """Mean absolute error."""
        return _over(self.absolute, self.pairs)

    @property
    def mse(self) -> Numbers:
        """Mean squared error."""
        return _over(self.squared, self.pairs)

    @property
    def rmse(self) -> Numbers:
        """Root of the mean squared error."""
        return np.sqrt(self.mse)

    @property
    def sign_agreement(self) -> Numbers:
        """SAGR, the share of pairs of the same sign (Nicolaou et al. 2011)."""
        return _over(self.same_sign, self.pairs)

    @property
    def pcc(self) -> Numbers:
        """Pearson's correlation; NaN where a track is constant."""
        return _over(self._covariance, np.sqrt(self._variance_x * self._variance_y))

    @property
    def ccc(self) -> Numbers:
        """Lin's concordance, 2 cov(x, y) / (var x + var y + (mean x - mean y)^2) (1989).

        NaN where both are the same constant.
        """
        between = _over(self.x, self.pairs) - _over(self.y, self.pairs) + self.apart
        return _over(2 * self._covariance, self._variance_x + self._variance_y + between**2)

    @property
    def icc(self) -> Numbers:
        """ICC(3,1) of Shrout and Fleiss (1979), in which a constant difference counts for nothing.

        For two raters (MSR - MSE) / (MSR + MSE) is 2 cov(x, y) / (var x + var y). NaN where both are constant.
        """
        return _over(2 * self._covariance, self._variance_x + self._variance_y)

    @property
    def _variance_x(self) -> Numbers:
        return _variance(self.xx, self.x, self.pairs)

    @property
    def _variance_y(self) -> Numbers:
        return _variance(self.yy, self.y, self.pairs)

    @property
    def _covariance(self) -> Numbers:
        mean = _over(self.xy, self.pairs) - _over(self.x, self.pairs) * _over(self.y, self.pairs)
        return np.where((self._variance_x == 0) | (self._variance_y == 0), 0.0, mean)


def agree(x: ArrayLike, y: ArrayLike) -> Agreement:
    """Agreement of two tracks, both [n]."""
    found, apart = terms(x, y)
    return Agreement.of(found.sum(axis=0), apart)


def terms(x: ArrayLike, y: ArrayLike) -> tuple[Numbers, float]:
    """What is summed for :class:`Agreement`, [n, 9], and how far apart the two tracks' points of reference are."""
    first, second = np.asarray(x, np.float64), np.asarray(y, np.float64)
    from_x, from_y = (float(track[0]) if track.size else 0.0 for track in (first, second))
    u, v, difference = first - from_x, second - from_y, first - second
    same = np.sign(first) == np.sign(second)
    columns = [np.ones_like(u), u, v, u * u, v * v, u * v, np.abs(difference), difference**2, same]
    return np.stack(columns, axis=-1), from_x - from_y


def _variance(squares: Numbers, values: Numbers, pairs: Numbers) -> Numbers:
    mean_square = _over(squares, pairs)
    variance = mean_square - _over(values, pairs) ** 2
    return np.where(variance <= _ROUNDING * mean_square, 0.0, variance)


def _over(part: Numbers, of: Numbers) -> Numbers:
    ratio: Numbers = np.divide(part, of, out=np.full(np.shape(of), np.nan), where=np.asarray(of) != 0)
    return ratio
