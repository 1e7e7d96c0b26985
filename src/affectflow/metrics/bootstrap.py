"""Confidence intervals by a bootstrap over subjects, because frames of one subject are not independent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
_CELLS_AT_ONCE = 1 << 22
_MAX_COUNT = np.iinfo(np.uint8).max
"""Counts are stored in a byte; a cluster that one sample holds more often is practically impossible."""


class Bootstrap:
    """Cluster bootstrap (Efron and Tibshirani 1993, chapter 8): each sample holds as many clusters as there are.

    The same set of cluster names, number of samples and seed give the same samples, so that two models on one
    benchmark are compared in pairs.

    Attributes:
        codes: index of each frame's cluster, int64 [frames].
        count: number of clusters.
    """

    def __init__(self, clusters: Sequence[str] | NDArray[np.str_], samples: int = 1000, seed: int = 0) -> None:
        """Sample clusters with replacement.

        Args:
            clusters: name of each frame's cluster, its subject or video, [frames].
            samples: number of bootstrap samples.
            seed: of the random numbers.
        """
        names, codes = np.unique(np.asarray(clusters, np.str_), return_inverse=True)
        self.codes: NDArray[np.int64] = codes.astype(np.int64)
        self.count = len(names)
        rng = np.random.default_rng(seed)
        self._counts = np.empty((samples, self.count), np.uint8)
        for row in self._counts:
            sampled = np.bincount(rng.integers(self.count, size=self.count), minlength=self.count)
            row[:] = np.minimum(sampled, _MAX_COUNT)

    def counts(self) -> Iterator[NDArray[np.float64]]:
        """Yield how often each sample holds each cluster, [some samples, clusters], in blocks of bounded size."""
        at_once = max(1, _CELLS_AT_ONCE // max(self.count, 1))
        for start in range(0, len(self._counts), at_once):
            yield self._counts[start : start + at_once].astype(np.float64)

    def sum_by_cluster(self, values: ArrayLike, rows: NDArray[np.bool_] | slice = slice(None)) -> NDArray[np.float64]:
        """Sum values of frames by cluster.

        Args:
            values: [selected frames, k].
            rows: which of all frames the values belong to, bool [frames]; by default all.

        Returns:
            [clusters, k].
        """
        columns = np.asarray(values, np.float64)
        codes = self.codes[rows]
        return np.stack([np.bincount(codes, column, minlength=self.count) for column in columns.T], axis=-1)

    def resample(self, by_cluster: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn sums by cluster, [clusters, k], into sums by bootstrap sample, [samples, k]."""
        return np.concatenate([counts @ by_cluster for counts in self.counts()])

    def interval(self, samples: NDArray[np.float64]) -> tuple[float, float] | None:
        """Return the percentile interval that covers 95% of a metric's values in the samples, [samples].

        Samples in which the metric is undefined (NaN) are ignored. None with fewer than two clusters, or when the
        metric is undefined in all samples.
        """
        defined = samples[~np.isnan(samples)]
        if self.count < 2 or not defined.size:
            return None
        low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)
