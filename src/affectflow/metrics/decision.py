"""Metrics of binary decisions, and the threshold with the highest F1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """The confusion matrix of binary decisions and the metrics computed from it, for one case or for many at once.

    Fields and metrics have the same shape, [] or [cases]. Where a metric divides by 0, F1, precision and recall are 0,
    as in scikit-learn, and the others are NaN.
    """

    true_positives: Numbers
    false_positives: Numbers
    false_negatives: Numbers
    true_negatives: Numbers

    @classmethod
    def of(cls, counts: ArrayLike) -> Decision:
        """Build from counts in the order of the fields, [..., 4]."""
        return cls(*np.moveaxis(np.asarray(counts, np.float64), -1, 0))

    @property
    def frames(self) -> Numbers:
        """Number of frames with a known label."""
        return self.true_positives + self.false_positives + self.false_negatives + self.true_negatives

    @property
    def positives(self) -> Numbers:
        """Number of frames labelled present."""
        return self.true_positives + self.false_negatives

    @property
    def both_classes(self) -> NDArray[np.bool_]:
        """Return whether both positives and negatives occur."""
        return (self.positives > 0) & (self.positives < self.frames)

    @property
    def base_rate(self) -> Numbers:
        """Share of frames labelled present; NaN without frames."""
        return _share(self.positives, self.frames, np.nan)

    @property
    def precision(self) -> Numbers:
        """Share of predicted positives that are labelled present; 0 without predicted positives."""
        return _share(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Numbers:
        """Share of positives that are predicted; 0 without positives."""
        return _share(self.true_positives, self.positives)

    @property
    def f1(self) -> Numbers:
        """Harmonic mean of precision and recall; 0 without positives and predicted positives."""
        return _share(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def f1_always_yes(self) -> Numbers:
        """Return the F1 of predicting positive always, which depends on the base rate alone."""
        return _share(2 * self.positives, self.positives + self.frames)

    @property
    def accuracy(self) -> Numbers:
        """Share of frames that are predicted as labelled; NaN without frames."""
        return _share(self.true_positives + self.true_negatives, self.frames, np.nan)

    @property
    def balanced_accuracy(self) -> Numbers:
        """Return the mean of recall and specificity (Brodersen et al. 2010); NaN unless both classes occur."""
        negatives = self.false_positives + self.true_negatives
        recall = _share(self.true_positives, self.positives, np.nan)
        return (recall + _share(self.true_negatives, negatives, np.nan)) / 2

    @property
    def kappa(self) -> Numbers:
        """Return Cohen's kappa (1960); NaN where labels and predictions are all of the same class."""
        predicted = self.true_positives + self.false_positives
        total = self.frames**2
        chance = predicted * self.positives + (self.frames - predicted) * (self.frames - self.positives)
        agreed = (self.true_positives + self.true_negatives) * self.frames
        return _share(agreed - chance, total - chance, np.nan)


def decide(truth: ArrayLike, score: ArrayLike, threshold: float) -> Decision:
    """Count the decisions of predicting positive where the score reaches the threshold.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], higher for positives.
        threshold: lowest score of a positive prediction.
    """
    return Decision.of(outcomes(truth, np.asarray(score, np.float64) >= threshold).sum(axis=0))


def outcomes(truth: ArrayLike, predicted: ArrayLike) -> NDArray[np.bool_]:
    """Return the cell of the confusion matrix that each frame is in, in the order of :class:`Decision`, bool [n, 4].

    Args:
        truth: whether each frame is positive, bool [n].
        predicted: whether each frame is predicted to be positive, bool [n].
    """
    positive, predicted = np.asarray(truth, bool), np.asarray(predicted, bool)
    cells = [positive & predicted, ~positive & predicted, positive & ~predicted, ~positive & ~predicted]
    return np.stack(cells, axis=-1)


def best_threshold(truth: ArrayLike, score: ArrayLike) -> float:
    """Return the threshold of the highest F1, midway between two scores; 0.5 without positives.

    Args:
        truth: whether each frame is positive, bool [n].
        score: [n], at least 0.
    """
    positive, value = np.asarray(truth, bool), np.asarray(score, np.float64)
    if not positive.any():
        return 0.5
    order = np.argsort(-value, kind="stable")
    ranked = value[order]
    true_positives = np.cumsum(positive[order])
    f1 = 2 * true_positives / (true_positives[-1] + np.arange(1, ranked.size + 1))
    last_of_tie = np.append(np.flatnonzero(np.diff(ranked)), ranked.size - 1)
    best = int(last_of_tie[np.argmax(f1[last_of_tie])])
    below = ranked[best + 1] if best + 1 < ranked.size else 0.0
    return float((ranked[best] + below) / 2)


def _share(part: Numbers, of: Numbers, undefined: float = 0.0) -> Numbers:
    """Return ``part / of``, or ``undefined`` where ``of`` is 0."""
    share: Numbers = np.divide(part, of, out=np.full(np.shape(of), undefined), where=np.asarray(of) != 0)
    return share
