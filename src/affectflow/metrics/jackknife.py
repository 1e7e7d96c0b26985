"""Confidence intervals by a jackknife over subjects, because frames of one subject are not independent.

The delete-one-cluster jackknife (Quenouille 1956, Tukey 1958; with groups of clusters: Kott, "The delete-a-group
jackknife", Journal of Official Statistics 2001) leaves out one subject at a time; how much a metric changes without
each gives its standard error, and Student's t the interval, with fewer degrees of freedom where a few subjects decide
(Satterthwaite 1946, from the kurtosis of the changes). Bounded metrics are transformed first, as Tukey advised, so that
intervals are not symmetric near the bounds and stay within them. Measured coverage, beside the bootstrap's, is in
``docs/concepts/intervals.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtr, stdtrit

CONFIDENCE = 0.95
METHOD = "delete-one jackknife, Student's t"
GROUPS = 200
"""Of more clusters, this many random groups are left out one by one; 199 degrees of freedom are as good as more."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """A transformation on which estimates are closer to normal: function, inverse, derivative and bounds."""

    to: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]
    low: float = -math.inf
    high: float = math.inf


PLAIN = Scale(to=float, back=float, slope=lambda _: 1.0)
SHARE = Scale(
    to=lambda x: float(logit(x)),
    back=lambda x: float(expit(x)),
    slope=lambda x: 1 / (x * (1 - x)),
    low=0.0,
    high=1.0,
)
"""The logit, for values from 0 to 1."""
CORRELATION = Scale(to=math.atanh, back=math.tanh, slope=lambda x: 1 / (1 - x * x), low=-1.0, high=1.0)
"""Fisher's z, for values from -1 to 1."""
ERROR = Scale(to=math.log, back=math.exp, slope=lambda x: 1 / x, low=0.0)
"""The logarithm, for values from 0 on."""


class Jackknife:
    """Replicates of sums over frames, each without one cluster (or one of 200 groups of clusters).

    The same set of cluster names gives the same replicates, so that two models on one benchmark are compared in pairs.

    Attributes:
        codes: group of each frame's cluster, int64 [frames].
        count: number of groups, which is that of clusters up to 200.
        clusters: number of clusters.
        cluster_codes: each frame's cluster, int64 [frames].
        group_of: group of each cluster, int64 [clusters].
    """

    def __init__(self, clusters: Sequence[str] | NDArray[np.str_], groups: int = GROUPS) -> None:
        """Group the clusters.

        Args:
            clusters: name of each frame's cluster, its subject or video, [frames].
            groups: the most groups.
        """
        names, codes = np.unique(np.asarray(clusters, np.str_), return_inverse=True)
        self.clusters = len(names)
        self.count = min(self.clusters, groups)
        group = np.random.default_rng(0).permutation(self.clusters) % max(self.count, 1)
        self.cluster_codes = codes.astype(np.int64)
        self.group_of = (group if self.clusters > groups else np.arange(self.clusters)).astype(np.int64)
        self.codes: NDArray[np.int64] = self.group_of[codes]

    def sums(self, values: ArrayLike, rows: NDArray[np.bool_] | slice = slice(None)) -> Numbers:
        """Sum values of frames by group.

        Args:
            values: [selected frames, k].
            rows: which of all frames the values belong to, bool [frames]; by default all.

        Returns:
            [groups, k].
        """
        columns = np.asarray(values, np.float64)
        codes = self.codes[rows]
        return np.stack([np.bincount(codes, column, minlength=self.count) for column in columns.T], axis=-1)

    def without_each(self, by_group: Numbers) -> Numbers:
        """Turn sums by group, [groups, k], into the sums without each group, [groups, k]."""
        without: Numbers = by_group.sum(axis=0) - by_group
        return without

    def interval(
        self, estimate: float, replicates: Numbers, scale: Scale, holders: int | None = None
    ) -> tuple[float, float] | str:
        """Return the 95% interval of a metric, or why there is none.

        Args:
            estimate: The metric of all frames.
            replicates: The metric without each group, [groups].
            scale: Transformation for the metric.
            holders: In how many groups there is what the metric rests on, such as positives; None for all. They bound
                the degrees of freedom.
        """
        found = self._error(estimate, replicates, holders)
        if isinstance(found, str):
            return found
        error, freedom = found
        if not error:  # two models that differ nowhere; of a single one it only shows that there is too little
            return (estimate, estimate) if scale is PLAIN else "does not vary"
        half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
        if not scale.low < estimate < scale.high:
            return max(scale.low, estimate - half), min(scale.high, estimate + half)
        middle, half = scale.to(estimate), half * scale.slope(estimate)
        return scale.back(middle - half), scale.back(min(middle + half, 700.0))

    def p_value(self, difference: float, replicates: Numbers, holders: int | None = None) -> float:
        """Return the probability of a difference as large where there is none, two-sided; NaN without an interval.

        Args:
            difference: The difference of all frames.
            replicates: The difference without each group, [groups].
            holders: As of :meth:`interval`.
        """
        found = self._error(difference, replicates, holders)
        if isinstance(found, str):
            return math.nan
        error, freedom = found
        return 2 * float(stdtr(freedom, -abs(difference) / error)) if error else 1.0

    def _error(self, estimate: float, replicates: Numbers, holders: int | None) -> tuple[float, float] | str:
        """Return a metric's standard error and its degrees of freedom, or why there is none."""
        holders = self.count if holders is None else holders
        if math.isnan(estimate):
            return "undefined"
        if holders < 2:
            return "rests on a single one of what is resampled" if holders else "rests on nothing"
        if np.isnan(replicates).any():
            return "undefined without a single one of what is resampled"
        deviations = replicates - replicates.mean()
        error = math.sqrt((self.count - 1) / self.count * float(deviations @ deviations))
        return error, min(holders - 1, _degrees_of_freedom(deviations)) if error else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values of several comparisons (Holm 1979), so that any false one is as rare as in a single comparison.

    Args:
        p_values: Of each comparison; NaN for those that cannot be made.
    """
    corrected = [math.nan] * len(p_values)
    order = sorted((place for place, p in enumerate(p_values) if not math.isnan(p)), key=lambda place: p_values[place])
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def _degrees_of_freedom(deviations: Numbers) -> float:
    """Return for how many the variance of deviations counts, [n]: about n - 1, fewer where their tails are heavy."""
    n = len(deviations)
    kurtosis = float((deviations**4).mean() / (deviations**2).mean() ** 2)
    return max(1.0, 2 * n / (kurtosis - 1 + 2 / (n - 1)))
