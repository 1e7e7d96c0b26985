"""How a model does on validation data: what training watches, and what sets its thresholds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.metrics.agreement import agree
from affectflow.metrics.decision import best_threshold, decide
from affectflow.metrics.ranking import roc_auc
from affectflow.records.access import Records
from affectflow.training import heads as heads_
from affectflow.training.fit import Line
from affectflow.training.heads import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.training.multi_task import MultiTaskModel
from affectflow.training.reader import Labels, images_in_order


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


class _After(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls something after every batch of a prediction."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call()


class Validator:
    """Validation, which labels of one value only cannot take part in."""

    def __init__(
        self,
        model: MultiTaskModel,
        taught: Mapping[str, tuple[int, ...]],
        files: Sequence[Path],
        labels: Labels,
        batch_size: int,
    ) -> None:
        self._model, self._taught, self._labels = model, taught, labels
        records = Records(files)
        self._images = images_in_order(records, records.batches(batch_size))
        for name in self.unmeasured():
            print(f"Validation has one value only of {name}; it is left out of the means.", flush=True)

    def unmeasured(self) -> list[str]:
        """AUs of which validation does not hold both classes, and other labels that are all the same there."""
        taught, labels = self._taught, self._labels
        both = (labels.units == facs.PRESENT).any(axis=0) & (labels.units == facs.ABSENT).any(axis=0)
        tracks = {f"intensity of {facs.label(u)}": labels.intensities[:, u - 1] for u in taught.get(INTENSITIES, ())}
        if VALENCE_AROUSAL in taught:
            tracks |= {"valence": labels.affect[:, 0], "arousal": labels.affect[:, 1]}
        return [
            *(facs.label(unit) for unit in taught.get(ACTION_UNITS, ()) if not both[unit - 1]),
            *(name for name, track in tracks.items() if not has_spread(track[~np.isnan(track)])),
        ]

    def raw(self, network: keras.Model, meanwhile: Callable[[], None] | None = None) -> dict[str, NDArray[np.float32]]:
        """The heads' raw numbers for all images; ``meanwhile`` is called after every batch."""
        asked = [_After(meanwhile)] if meanwhile is not None else None
        found: dict[str, NDArray[np.float32]] = network.predict(self._images, verbose=0, callbacks=asked)
        return found

    def measure(self, meanwhile: Callable[[], None]) -> tuple[float, Line]:
        """The score, and all measures for the history; raises :class:`FloatingPointError` for outputs that are no
        numbers."""
        raw = self.raw(self._model, meanwhile)
        if not all(np.isfinite(value).all() for value in raw.values()):
            raise FloatingPointError
        answers = {head: keras.ops.convert_to_numpy(heads_.outputs(head, value)) for head, value in raw.items()}
        labels = self._labels
        result = validate(self._taught, labels.units, labels.intensities, labels.affect, answers)
        return result.score, result.line()
