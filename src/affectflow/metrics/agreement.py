"""Agreement between two series of values: labels and predictions, or two annotators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
_ROUNDING = 1e-12
"""A variance below this share of the mean square is rounding error and counts as 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Sums over pairs (x, y) and the metrics computed from them, for one case or for many cases at once.

    Every sum has the same shape, [] or [cases]. x and y are each measured from a reference value among their own
    values, so that sums of squares lose no digits; ``offset`` is the reference of x minus that of y. Moments are those
    of the population. Metrics of no pairs are NaN.
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
    offset: float

    @classmethod
    def of(cls, sums: ArrayLike, offset: float) -> Agreement:
        """Build from sums over pairs.

        Args:
            sums: sums over the rows of :func:`terms`, [..., 9].
            offset: reference of x minus that of y, from :func:`terms`.
        """
        fields: list[Any] = [*np.moveaxis(np.asarray(sums, np.float64), -1, 0), offset]
        return cls(*fields)

    @property
    def mae(self) -> Numbers:
        """Return the mean absolute error."""
        return _ratio(self.absolute, self.pairs)

    @property
    def mse(self) -> Numbers:
        """Return the mean squared error."""
        return _ratio(self.squared, self.pairs)

    @property
    def rmse(self) -> Numbers:
        """Return the root of the mean squared error."""
        return np.sqrt(self.mse)

    @property
    def sign_agreement(self) -> Numbers:
        """Return SAGR, the share of pairs of the same sign (Nicolaou et al. 2011)."""
        return _ratio(self.same_sign, self.pairs)

    @property
    def pcc(self) -> Numbers:
        """Return Pearson's correlation; 0 where one of the two is constant, NaN where both are."""
        varies = np.asarray(self._variance_x * self._variance_y)
        one_varies = (np.asarray(self._variance_x + self._variance_y) > 0) & (varies == 0)
        return np.where(one_varies, 0.0, _ratio(self._covariance, np.sqrt(varies)))

    @property
    def ccc(self) -> Numbers:
        """Return Lin's concordance, 2 cov(x, y) / (var x + var y + (mean x - mean y)^2) (1989).

        NaN where both are the same constant.
        """
        between = _ratio(self.x, self.pairs) - _ratio(self.y, self.pairs) + self.offset
        return _ratio(2 * self._covariance, self._variance_x + self._variance_y + between**2)

    @property
    def icc(self) -> Numbers:
        """Return ICC(3,1) of Shrout and Fleiss (1979), which ignores a constant difference.

        For two raters (MSR - MSE) / (MSR + MSE) is 2 cov(x, y) / (var x + var y). NaN where both are constant.
        """
        return _ratio(2 * self._covariance, self._variance_x + self._variance_y)

    @property
    def _variance_x(self) -> Numbers:
        return _variance(self.xx, self.x, self.pairs)

    @property
    def _variance_y(self) -> Numbers:
        return _variance(self.yy, self.y, self.pairs)

    @property
    def _covariance(self) -> Numbers:
        mean = _ratio(self.xy, self.pairs) - _ratio(self.x, self.pairs) * _ratio(self.y, self.pairs)
        return np.where((self._variance_x == 0) | (self._variance_y == 0), 0.0, mean)


def agree(x: ArrayLike, y: ArrayLike) -> Agreement:
    """Return the agreement of two series.

    Args:
        x: first value of each pair, [n].
        y: second value of each pair, [n].
    """
    rows, offset = terms(x, y)
    return Agreement.of(rows.sum(axis=0), offset)


def terms(x: ArrayLike, y: ArrayLike) -> tuple[Numbers, float]:
    """Return the terms of each pair that :class:`Agreement` sums up, [n, 9], and its ``offset``.

    Args:
        x: first value of each pair, [n].
        y: second value of each pair, [n].
    """
    first, second = np.asarray(x, np.float64), np.asarray(y, np.float64)
    from_x, from_y = (float(series[0]) if series.size else 0.0 for series in (first, second))
    u, v, difference = first - from_x, second - from_y, first - second
    same = np.sign(first) == np.sign(second)
    columns = [np.ones_like(u), u, v, u * u, v * v, u * v, np.abs(difference), difference**2, same]
    return np.stack(columns, axis=-1), from_x - from_y


def _variance(squares: Numbers, values: Numbers, pairs: Numbers) -> Numbers:
    mean_square = _ratio(squares, pairs)
    variance = mean_square - _ratio(values, pairs) ** 2
    return np.where(variance <= _ROUNDING * mean_square, 0.0, variance)


def _ratio(part: Numbers, of: Numbers) -> Numbers:
    """Return ``part / of``, NaN where ``of`` is 0."""
    ratio: Numbers = np.divide(part, of, out=np.full(np.shape(of), np.nan), where=np.asarray(of) != 0)
    return ratio


def ccc_by_group(labels: Numbers, predicted: Numbers, codes: NDArray[np.int64]) -> Numbers:
    """Return the CCC of each group in which the labels change, [groups]; 0 where the predictions do not change.

    Args:
        labels: [n].
        predicted: [n].
        codes: The group of each value, [n]; values of -1 are in none.
    """
    grouped = codes >= 0
    _, groups = np.unique(codes[grouped], return_inverse=True)
    columns, offset = terms(labels[grouped], predicted[grouped])
    count = int(groups.max(initial=-1)) + 1
    sums = np.stack([np.bincount(groups, column, minlength=count) for column in columns.T], axis=-1)
    agreement = Agreement.of(sums, offset)
    found: Numbers = np.asarray(agreement.ccc)[np.asarray(agreement._variance_x) > 0]
    return found
