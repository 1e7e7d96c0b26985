"""How a model does on validation data: what training watches, and what sets its thresholds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.measures.agreement import agree
from affectflow.measures.decision import best_threshold, decide
from affectflow.measures.ranking import roc_auc
from affectflow.training.heads import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL


@dataclass(frozen=True, slots=True)
class Validation:
    """Measures are NaN where the validation data does not allow them. ``score`` is what training maximises."""

    auc: Mapping[int, float]
    f1: Mapping[int, float]
    intensity_ccc: Mapping[int, float]
    valence_ccc: float
    arousal_ccc: float

    @property
    def score(self) -> float:
        """Mean of the heads' measures: mean AUC, mean CCC of intensities, mean CCC of valence and arousal."""
        affect = _mean([self.valence_ccc, self.arousal_ccc])
        return _mean([_mean(self.auc.values()), _mean(self.intensity_ccc.values()), affect])

    def line(self) -> dict[str, float]:
        """For the history."""
        return {
            "validation_score": self.score,
            "validation_mean_auc": _mean(self.auc.values()),
            "validation_mean_f1": _mean(self.f1.values()),
            "validation_mean_intensity_ccc": _mean(self.intensity_ccc.values()),
            "validation_valence_ccc": self.valence_ccc,
            "validation_arousal_ccc": self.arousal_ccc,
            **{f"validation_auc_{facs.label(unit)}": value for unit, value in self.auc.items()},
            **{f"validation_f1_{facs.label(unit)}": value for unit, value in self.f1.items()},
            **{f"validation_intensity_ccc_{facs.label(unit)}": value for unit, value in self.intensity_ccc.items()},
        }


def validate(
    taught: Mapping[str, Sequence[int]],
    unit_labels: NDArray[np.int8],
    intensities: NDArray[np.float32],
    affect: NDArray[np.float32],
    answers: Mapping[str, NDArray[np.float32]],
) -> Validation:
    """Labels of all 60 AUs [n, 60] and affect [n, 2] against a model's answers by head, [n, units] and [n, 2]."""
    auc: dict[int, float] = {}
    f1: dict[int, float] = {}
    for column, unit in enumerate(taught.get(ACTION_UNITS, ())):
        labels = unit_labels[:, unit - 1]
        known = labels != facs.UNKNOWN
        truth, score = labels[known] == facs.PRESENT, answers[ACTION_UNITS][known, column]
        auc[unit] = roc_auc(truth, score)
        f1[unit] = float(decide(truth, score, 0.5).f1) if np.isfinite(auc[unit]) else float("nan")
    strength = {
        unit: _agreement(intensities[:, unit - 1], answers[INTENSITIES][:, column])
        for column, unit in enumerate(taught.get(INTENSITIES, ()))
    }
    ccc = [float("nan"), float("nan")]
    if VALENCE_AROUSAL in taught:
        ccc = [_agreement(affect[:, i], answers[VALENCE_AROUSAL][:, i]) for i in range(2)]
    return Validation(auc, f1, strength, ccc[0], ccc[1])


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


def has_spread(labels: NDArray[np.float32]) -> bool:
    """Whether there is something to agree with: the CCC of constant labels is 0 whatever is answered."""
    return bool(labels.size and np.ptp(labels) > 0)


def _agreement(labels: NDArray[np.float32], answers: NDArray[np.float32]) -> float:
    known = ~np.isnan(labels)
    if not has_spread(labels[known]):
        return float("nan")
    return float(agree(labels[known], answers[known]).ccc)


def _mean(values: Iterable[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN
        found = list(values)
        return float(np.nanmean(found)) if found else float("nan")
