"""Ranking metrics, which need no threshold: ROC AUC and average precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from affectflow.metrics.jackknife import Jackknife

_STEPS_AT_ONCE = 512


def roc_auc(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the area under the ROC curve; ties count half (Mann-Whitney U). NaN unless both classes occur.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], higher for positives.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    positives = int(positive.sum())
    negatives = positive.size - positives
    if not positives or not negatives:
        return float("nan")
    _, inverse, counts = np.unique(value, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def pairs_within(
    truth: ArrayLike, score: ArrayLike, codes: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the pairs of a positive and a negative frame of the same group, and those that the score orders right.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], higher for positives; ties count half.
        codes: group of each frame, from 0, [n].
        groups: number of groups.

    Returns:
        Pairs that are ordered right, and pairs, [groups] each.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    right, pairs = np.zeros(groups), np.zeros(groups)
    for group in np.unique(codes):
        rows = codes == group
        positives = int(positive[rows].sum())
        pairs[group] = positives * (int(rows.sum()) - positives)
        if pairs[group]:
            right[group] = roc_auc(positive[rows], value[rows]) * pairs[group]
    return right, pairs


def average_precision(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the sum of (R_n - R_(n-1)) P_n over recall steps, without interpolation. NaN without positives.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], higher for positives.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    if not positive.any():
        return float("nan")
    order = np.argsort(-value, kind="stable")
    true_positives: NDArray[np.int64] = np.cumsum(positive[order])
    last_of_tie = np.append(np.flatnonzero(np.diff(value[order])), positive.size - 1)
    precision = true_positives[last_of_tie] / (last_of_tie + 1)
    recall = true_positives[last_of_tie] / true_positives[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def rankings_without_each(
    truth: ArrayLike, score: ArrayLike, codes: NDArray[np.int64], jackknife: Jackknife
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute :func:`roc_auc` and :func:`average_precision` of every replicate of a jackknife.

    Frames are counted once by group, between one distinct score of positives and the next; each replicate then weights
    these counts.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], higher for positives.
        codes: group of each frame, [n].
        jackknife: the groups.

    Returns:
        ROC AUC and average precision without each group, [groups] each, NaN where undefined.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    order = np.argsort(-value, kind="stable")
    positive, value, codes = positive[order], value[order], codes[order]
    tie = np.cumsum(np.append(0, np.diff(value) != 0)) if value.size else np.empty(0, np.int64)
    holds = np.bincount(tie, positive).astype(bool)
    steps = int(holds.sum())
    step = (np.cumsum(holds) - holds)[tie]  # of a tie that holds positives, else of the next one that does

    def counted(which: NDArray[np.bool_]) -> csr_array:
        shape = (steps + 1, jackknife.count)
        return csr_array((np.ones(int(which.sum())), (step[which], codes[which])), shape=shape)

    kinds = [counted(positive), counted(~positive & holds[tie]), counted(~positive & ~holds[tie])]
    return _weight(kinds, 1 - np.eye(jackknife.count), steps)


def _weight(
    kinds: Sequence[csr_array], counts: NDArray[np.float64], steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return AUC and average precision of replicates that hold groups ``counts`` times, [groups, replicates]."""
    replicates = counts.shape[1]
    positives, above, pairs, precision = (np.zeros(replicates) for _ in range(4))
    for start in range(0, steps, _STEPS_AT_ONCE):
        found, tied, between = (kind[start : min(start + _STEPS_AT_ONCE, steps)] @ counts for kind in kinds)
        so_far = positives + np.cumsum(found, axis=0)
        higher = above + np.cumsum(between, axis=0) + np.cumsum(tied, axis=0) - tied
        pairs += np.sum(found * (higher + tied / 2), axis=0)
        predicted = so_far + higher + tied
        steps_of_precision = np.divide(found * so_far, predicted, out=np.zeros_like(predicted), where=predicted > 0)
        precision += np.sum(steps_of_precision, axis=0)
        positives, above = so_far[-1], higher[-1] + tied[-1]
    negatives = sum(np.asarray(kind.sum(axis=0)) @ counts for kind in kinds[1:])
    possible = positives * negatives
    wrong = np.divide(pairs, possible, out=np.full(replicates, np.nan), where=possible > 0)
    return 1 - wrong, np.divide(precision, positives, out=np.full(replicates, np.nan), where=positives > 0)
