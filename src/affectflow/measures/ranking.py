"""Measures of a ranking, free of any threshold: ROC AUC and average precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def roc_auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Area under the ROC curve; ties count half (Mann-Whitney U). NaN unless both classes occur.

    ``truth`` is bool [n], ``score`` float [n].
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    positives = int(positive.sum())
    negatives = positive.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(value, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Mean of precision over recall steps, sum of (R_n - R_(n-1)) P_n, without interpolation. NaN without positives."""
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    if not positive.any():
        return float("nan")
    order = np.argsort(-value, kind="stable")
    hits: NDArray[np.int64] = np.cumsum(positive[order])
    last_of_tie = np.append(np.flatnonzero(np.diff(value[order])), positive.size - 1)
    precision = hits[last_of_tie] / (last_of_tie + 1)
    recall = hits[last_of_tie] / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))
