"""Intervals by bootstrap over whole subjects, whose frames are anything but independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

COVERAGE = 0.95
_CELLS_AT_ONCE = 1 << 22
_MOST = np.iinfo(np.uint8).max  # that one of hundreds of clusters is drawn more often will not be seen


class Bootstrap:
    """Draws of as many clusters as there are, with replacement (Efron and Tibshirani 1993, chapter 8).

    ``clusters`` names the subject of each frame, [n]. The same set of names, ``draws`` and ``seed`` give the same
    draws, so that the draws of two models on one benchmark are pairs. ``codes`` is int64 [n], the place of each
    frame's cluster among ``count``.
    """

    def __init__(self, clusters: Sequence[str] | NDArray[np.str_], draws: int = 1000, seed: int = 0) -> None:
        names, codes = np.unique(np.asarray(clusters, np.str_), return_inverse=True)
        self.codes: NDArray[np.int64] = codes.astype(np.int64)
        self.count = len(names)
        rng = np.random.default_rng(seed)
        self._times = np.empty((draws, self.count), np.uint8)
        for draw in self._times:
            drawn = np.bincount(rng.integers(self.count, size=self.count), minlength=self.count)
            draw[:] = np.minimum(drawn, _MOST)

    def times(self) -> Iterator[NDArray[np.float64]]:
        """How often each cluster is drawn, [some draws, clusters], a bounded number of draws at once."""
        at_once = max(1, _CELLS_AT_ONCE // max(self.count, 1))
        for start in range(0, len(self._times), at_once):
            yield self._times[start : start + at_once].astype(np.float64)

    def gather(self, values: ArrayLike, known: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.float64]:
        """Sums by cluster, [clusters, k], of what the known frames hold, [known frames, k]."""
        columns = np.asarray(values, np.float64)
        codes = self.codes[known]
        return np.stack([np.bincount(codes, column, minlength=self.count) for column in columns.T], axis=-1)

    def draw(self, by_cluster: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums by draw, [draws, k], of sums by cluster."""
        return np.concatenate([times @ by_cluster for times in self.times()])

    def interval(self, drawn: NDArray[np.float64]) -> tuple[float, float] | None:
        """The percentiles between which 95% of a measure's draws lie; None with one cluster.

        Draws that lack the measure (NaN) are left out; None where all do.
        """
        found = drawn[~np.isnan(drawn)]
        if self.count < 2 or not found.size:
            return None
        low, high = np.quantile(found, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        return float(low), float(high)
