"""Measures of decisions, and the threshold that validation data asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """How many frames were called what, and measures of it; of one case each, or of many side by side.

    Fields and measures have one shape, [] or that of the cases. Measures that are a share of nothing are 0 for F1,
    precision and recall, as in scikit-learn, and NaN for the others.
    """

    hits: Numbers
    false_alarms: Numbers
    misses: Numbers
    rejections: Numbers

    @classmethod
    def of(cls, counts: ArrayLike) -> Decision:
        """From hits, false alarms, misses and rejections in the last axis, [..., 4]."""
        return cls(*np.moveaxis(np.asarray(counts, np.float64), -1, 0))

    @property
    def frames(self) -> Numbers:
        return self.hits + self.false_alarms + self.misses + self.rejections

    @property
    def positives(self) -> Numbers:
        return self.hits + self.misses

    @property
    def both_classes(self) -> NDArray[np.bool_]:
        """Whether positives and negatives occur."""
        return (self.positives > 0) & (self.positives < self.frames)

    @property
    def base_rate(self) -> Numbers:
        return _share(self.positives, self.frames, np.nan)

    @property
    def precision(self) -> Numbers:
        return _share(self.hits, self.hits + self.false_alarms)

    @property
    def recall(self) -> Numbers:
        return _share(self.hits, self.positives)

    @property
    def f1(self) -> Numbers:
        return _share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)

    @property
    def f1_always_yes(self) -> Numbers:
        """The F1 of calling everything positive: what the base rate alone gives."""
        return _share(2 * self.positives, self.positives + self.frames)

    @property
    def accuracy(self) -> Numbers:
        return _share(self.hits + self.rejections, self.frames, np.nan)

    @property
    def balanced_accuracy(self) -> Numbers:
        """The mean of recall and specificity (Brodersen et al. 2010); NaN unless both classes occur."""
        negatives = self.false_alarms + self.rejections
        return (_share(self.hits, self.positives, np.nan) + _share(self.rejections, negatives, np.nan)) / 2

    @property
    def kappa(self) -> Numbers:
        """Cohen's kappa (1960); NaN where both say one thing only, the same."""
        called = self.hits + self.false_alarms
        total = self.frames**2
        chance = called * self.positives + (self.frames - called) * (self.frames - self.positives)
        agreed = (self.hits + self.rejections) * self.frames
        return _share(agreed - chance, total - chance, np.nan)


def decide(truth: ArrayLike, score: ArrayLike, threshold: float) -> Decision:
    """Call positive what scores at least ``threshold``. ``truth`` is bool [n], ``score`` float [n]."""
    return Decision.of(outcomes(truth, np.asarray(score, np.float64) >= threshold).sum(axis=0))


def outcomes(truth: ArrayLike, called: ArrayLike) -> NDArray[np.bool_]:
    """Whether each frame is a hit, a false alarm, a miss or a rejection, bool [n, 4]."""
    positive, called = np.asarray(truth, bool), np.asarray(called, bool)
    return np.stack([positive & called, ~positive & called, positive & ~called, ~positive & ~called], axis=-1)


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


def _share(part: Numbers, of: Numbers, nothing: float = 0.0) -> Numbers:
    """``part / of``, or ``nothing`` where ``of`` is 0."""
    share: Numbers = np.divide(part, of, out=np.full(np.shape(of), nothing), where=np.asarray(of) != 0)
    return share
