"""How a model does on validation data: what training watches, and what sets its thresholds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow.measures.concordance import concordance
from affectflow.measures.decision import best_threshold, decide
from affectflow.measures.ranking import roc_auc


@dataclass(frozen=True, slots=True)
class Validation:
    """Measures are NaN where the validation data does not allow them. ``score`` is what training maximises."""

    auc: Mapping[int, float]
    f1: Mapping[int, float]
    valence_ccc: float
    arousal_ccc: float

    @property
    def mean_auc(self) -> float:
        return _mean(list(self.auc.values()))

    @property
    def mean_f1(self) -> float:
        return _mean(list(self.f1.values()))

    @property
    def score(self) -> float:
        """Mean of the heads' measures: mean AUC, and mean CCC."""
        return _mean([self.mean_auc, _mean([self.valence_ccc, self.arousal_ccc])])


def validate(
    units: Sequence[int],
    unit_labels: NDArray[np.int8],
    affect: NDArray[np.float32],
    probabilities: NDArray[np.float32] | None,
    predicted_affect: NDArray[np.float32] | None,
) -> Validation:
    """Labels of all 60 AUs int8 [n, 60] and affect float32 [n, 2] against a model's outputs, [n, units] and [n, 2]."""
    auc: dict[int, float] = {}
    f1: dict[int, float] = {}
    for column, unit in enumerate(units if probabilities is not None else ()):
        assert probabilities is not None
        labels = unit_labels[:, unit - 1]
        known = labels >= 0
        truth, score = labels[known] > 0, probabilities[known, column]
        auc[unit] = roc_auc(truth, score)
        f1[unit] = decide(truth, score, 0.5).f1 if truth.any() else float("nan")
    ccc = [float("nan"), float("nan")]
    if predicted_affect is not None:
        for dimension in range(2):
            known = ~np.isnan(affect[:, dimension])
            ccc[dimension] = concordance(affect[known, dimension], predicted_affect[known, dimension])
    return Validation(auc, f1, ccc[0], ccc[1])


def fit_thresholds(
    units: Sequence[int], unit_labels: NDArray[np.int8], probabilities: NDArray[np.float32]
) -> dict[int, float]:
    """The threshold of best F1 for each unit; 0.5 where validation holds no positive."""
    thresholds = {}
    for column, unit in enumerate(units):
        labels = unit_labels[:, unit - 1]
        known = labels >= 0
        thresholds[unit] = best_threshold(labels[known] > 0, probabilities[known, column])
    return thresholds


def _mean(values: Sequence[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN
        return float(np.nanmean(values)) if values else float("nan")
