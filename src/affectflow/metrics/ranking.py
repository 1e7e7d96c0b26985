"""Measures of a ranking, free of any threshold: ROC AUC and average precision."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from affectflow.metrics.bootstrap import Bootstrap

_STEPS_AT_ONCE = 512


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


def draw_rankings(
    truth: ArrayLike, score: ArrayLike, codes: NDArray[np.int64], bootstrap: Bootstrap
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ROC AUC and average precision, [draws] each, as :func:`roc_auc` and :func:`average_precision` give them.

    ``codes`` is the place of each frame's cluster, [n]. Frames are counted by cluster between one distinct score of
    positives and the next, once; a draw then weighs the counts.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    order = np.argsort(-value, kind="stable")
    positive, value, codes = positive[order], value[order], codes[order]
    tie = np.cumsum(np.append(0, np.diff(value) != 0)) if value.size else np.empty(0, np.int64)
    holds = np.bincount(tie, positive).astype(bool)
    steps = int(holds.sum())
    step = (np.cumsum(holds) - holds)[tie]  # of a tie that holds positives, else of the next one that does

    def counted(which: NDArray[np.bool_]) -> csr_array:
        shape = (steps + 1, bootstrap.count)
        return csr_array((np.ones(int(which.sum())), (step[which], codes[which])), shape=shape)

    kinds = [counted(positive), counted(~positive & holds[tie]), counted(~positive & ~holds[tie])]
    drawn = [_weigh(kinds, times.T.copy(), steps) for times in bootstrap.times()]
    auc, precision = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    return auc, precision


def _weigh(
    kinds: Sequence[csr_array], times: NDArray[np.float64], steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """AUC and average precision of the draws ``times``, [clusters, draws]."""
    draws = times.shape[1]
    hits, above, pairs, precision = (np.zeros(draws) for _ in range(4))
    for start in range(0, steps, _STEPS_AT_ONCE):
        found, tied, between = (kind[start : min(start + _STEPS_AT_ONCE, steps)] @ times for kind in kinds)
        so_far = hits + np.cumsum(found, axis=0)
        higher = above + np.cumsum(between, axis=0) + np.cumsum(tied, axis=0) - tied
        pairs += np.sum(found * (higher + tied / 2), axis=0)
        called = so_far + higher + tied
        precision += np.sum(np.divide(found * so_far, called, out=np.zeros_like(called), where=called > 0), axis=0)
        hits, above = so_far[-1], higher[-1] + tied[-1]
    negatives = sum(np.asarray(kind.sum(axis=0)) @ times for kind in kinds[1:])
    wrong = np.divide(pairs, hits * negatives, out=np.full(draws, np.nan), where=hits * negatives > 0)
    return 1 - wrong, np.divide(precision, hits, out=np.full(draws, np.nan), where=hits > 0)
