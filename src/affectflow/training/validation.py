"""Validation of a model during training."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.metrics.agreement import agree
from affectflow.metrics.decision import decide
from affectflow.metrics.ranking import roc_auc
from affectflow.records.access import Records
from affectflow.training import heads
from affectflow.training.checkpoint import EpochLog
from affectflow.training.heads import TrainedHeads
from affectflow.training.keras_setup import keras, ops
from affectflow.training.multi_task import MultiTaskModel
from affectflow.training.reader import Labels, images_in_order

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Validation:
    """Metrics on validation data; NaN where the data do not allow a metric."""

    auc: Mapping[int, float]
    f1: Mapping[int, float]
    intensity_ccc: Mapping[int, float]
    valence_ccc: float
    arousal_ccc: float

    @property
    def score(self) -> float:
        """Mean over the heads, which training maximizes: of mean AUC, mean intensity CCC, and mean affect CCC."""
        affect = _mean([self.valence_ccc, self.arousal_ccc])
        return _mean([_mean(self.auc.values()), _mean(self.intensity_ccc.values()), affect])

    def to_log(self) -> EpochLog:
        """Return the columns of the history."""
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
    trained_heads: Mapping[str, Sequence[int]], labels: Labels, outputs: Mapping[str, NDArray[np.float32]]
) -> Validation:
    """Compare a model's outputs with the labels of n images.

    Args:
        trained_heads: AUs of each head.
        labels: The labels.
        outputs: Outputs by head, [n, units], or [n, 2] for ``valence_arousal``.
    """
    auc: dict[int, float] = {}
    f1: dict[int, float] = {}
    for column, unit in enumerate(trained_heads.get(ACTION_UNITS, ())):
        known, truth = known_and_present(labels.units, unit)
        score = outputs[ACTION_UNITS][known, column]
        auc[unit] = roc_auc(truth, score)
        f1[unit] = float(decide(truth, score, 0.5).f1) if np.isfinite(auc[unit]) else float("nan")
    intensity_ccc = {
        unit: _ccc(labels.intensities[:, unit - 1], outputs[INTENSITIES][:, column])
        for column, unit in enumerate(trained_heads.get(INTENSITIES, ()))
    }
    affect_ccc = [float("nan"), float("nan")]
    if VALENCE_AROUSAL in trained_heads:
        affect_ccc = [_ccc(labels.affect[:, i], outputs[VALENCE_AROUSAL][:, i]) for i in range(2)]
    return Validation(auc, f1, intensity_ccc, affect_ccc[0], affect_ccc[1])


def constant_labels(trained_heads: Mapping[str, Sequence[int]], labels: Labels) -> list[str]:
    """Return the names of labels with only one value in the validation data, for which metrics are undefined.

    Args:
        trained_heads: AUs of each head.
        labels: Labels of the validation images.
    """
    both = (labels.units == facs.PRESENT).any(axis=0) & (labels.units == facs.ABSENT).any(axis=0)
    tracks = {f"intensity of {facs.label(u)}": labels.intensities[:, u - 1] for u in trained_heads.get(INTENSITIES, ())}
    if VALENCE_AROUSAL in trained_heads:
        tracks |= {"valence": labels.affect[:, 0], "arousal": labels.affect[:, 1]}
    return [
        *(facs.label(unit) for unit in trained_heads.get(ACTION_UNITS, ()) if not both[unit - 1]),
        *(name for name, track in tracks.items() if not _varies(track[~np.isnan(track)])),
    ]


class Validator:
    """Runs a model over the validation records and computes its metrics."""

    def __init__(
        self,
        model: MultiTaskModel,
        trained_heads: TrainedHeads,
        files: Sequence[Path],
        labels: Labels,
        batch_size: int,
    ) -> None:
        """Open the records and log which labels cannot be validated.

        Args:
            model: The model in training.
            trained_heads: AUs of each head.
            files: Validation records.
            labels: Their labels.
            batch_size: Number of images in a batch.
        """
        self._model, self._labels = model, labels
        self._trained_heads = trained_heads
        records = Records(files)
        self._images = images_in_order(records, records.batches(batch_size))
        for name in constant_labels(trained_heads, labels):
            log.warning("Validation labels of %s have only one value; its metrics are left out of the means.", name)

    def predict_logits(
        self, network: keras.Model, on_batch_end: Callable[[], None] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Return a network's logits for all images, by head.

        Args:
            network: From pixels to logits by head.
            on_batch_end: Called after every batch.
        """
        callbacks = [_BatchEndCallback(on_batch_end)] if on_batch_end is not None else None
        logits: dict[str, NDArray[np.float32]] = network.predict(self._images, verbose=0, callbacks=callbacks)
        return logits

    def validate(self, on_batch_end: Callable[[], None]) -> tuple[float, EpochLog]:
        """Return the model's score and its metrics for the history; call ``on_batch_end`` after every batch.

        Raises :class:`FloatingPointError` if outputs are NaN or infinite.
        """
        logits = self.predict_logits(self._model, on_batch_end)
        if not all(np.isfinite(value).all() for value in logits.values()):
            raise FloatingPointError
        outputs = {head: ops.convert_to_numpy(heads.outputs(head, value)) for head, value in logits.items()}
        result = validate(self._trained_heads, self._labels, outputs)
        return result.score, result.to_log()


class _BatchEndCallback(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, on_batch_end: Callable[[], None]) -> None:
        super().__init__()
        self._on_batch_end = on_batch_end

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._on_batch_end()


def known_and_present(unit_labels: NDArray[np.int8], unit: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a mask of the images with a label of an AU, [n], and for these whether it is present.

    Args:
        unit_labels: Labels [n, 60].
        unit: The AU.
    """
    labels = unit_labels[:, unit - 1]
    known = labels != facs.UNKNOWN
    return known, labels[known] == facs.PRESENT


def _varies(labels: NDArray[np.float32]) -> bool:
    """Return whether labels have more than one value; the CCC of constant labels is always 0."""
    return bool(labels.size and np.ptp(labels) > 0)


def _ccc(labels: NDArray[np.float32], outputs: NDArray[np.float32]) -> float:
    known = ~np.isnan(labels)
    if not _varies(labels[known]):
        return float("nan")
    return float(agree(labels[known], outputs[known]).ccc)


def _mean(values: Iterable[float]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no numbers is NaN
        found = list(values)
        return float(np.nanmean(found)) if found else float("nan")
