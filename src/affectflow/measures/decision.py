"""Measures of decisions at a threshold, and the threshold that validation data asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Decision:
    """``f1`` is 0 where nothing is right; ``precision`` is 0 where nothing is called positive."""

    f1: float
    precision: float
    recall: float
    accuracy: float


def decide(truth: ArrayLike, score: ArrayLike, threshold: float) -> Decision:
    """Call positive what scores at least ``threshold``. ``truth`` is bool [n], ``score`` float [n], n > 0."""
    positive, called = np.asarray(truth, bool), np.asarray(score, np.float64) >= threshold
    hits = int(np.sum(positive & called))
    return Decision(
        f1=_ratio(2 * hits, int(positive.sum()) + int(called.sum())),
        precision=_ratio(hits, int(called.sum())),
        recall=_ratio(hits, int(positive.sum())),
        accuracy=float(np.mean(positive == called)),
    )


def best_threshold(truth: ArrayLike, score: ArrayLike) -> float:
    """The threshold of the highest F1, midway between two scores; 0.5 without positives."""
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    if not positive.any():
        return 0.5
    order = np.argsort(-value, kind="stable")
    ranked = value[order]
    hits = np.cumsum(positive[order])
    f1 = 2 * hits / (hits[-1] + np.arange(1, ranked.size + 1))
    cuts = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    cut = int(cuts[np.argmax(f1[cuts])])
    below = ranked[cut + 1] if cut + 1 < ranked.size else 0.0
    return float((ranked[cut] + below) / 2)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
