"""Fit a trained model's probabilities and decisions to images of a user's own, from a few labelled people.

How often people show an AU, and what they look like at rest, differ from set to set. A scale and a shift of each AU's
logit (Platt 1999) and a threshold need a few people; the network stays as it is.
"""

from __future__ import annotations

import logging
import math
import shutil
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import datasets, facs
from affectflow.contracts.model_metadata import METADATA, MODEL, ONNX, Adaptation, ModelMetadata, UnitCalibration
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import Sample
from affectflow.faces.detector_file import DETECTOR
from affectflow.media.sources import Shown
from affectflow.metrics.calibration import expected_calibration_error, residuals_per_bin
from affectflow.metrics.decision import Decision, best_threshold, outcomes
from affectflow.metrics.scaling import LEAST, Scaling, fit_scaling, is_enough, logits_of, parts_of, probability_apart
from affectflow.prediction.predictor import Predictor
from affectflow.tables.csv_files import write_csv

log = logging.getLogger(__name__)

ADAPTED = "adaptation.csv"
COLUMNS = (
    *("unit", "images", "present", "scale", "shift", "threshold"),
    *("calibration_error_before", "calibration_error_after", "f1_before", "f1_after"),
)
_KEPT = (MODEL, ONNX, DETECTOR.name, "NOTICE.md")
_LEAST_PEOPLE = 4
_PARTS = 5
"""Of the people: each is measured with what was fitted to the others."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted to an AU, and how it does on people whom it was not fitted to."""

    unit: int
    images: int
    present: int
    scaling: Scaling
    threshold: float
    calibration_error: tuple[float, float]
    """Before and after."""
    f1: tuple[float, float]
    """Before and after."""

    def cells(self) -> list[object]:
        """Return the row of :data:`COLUMNS`."""
        measures = (self.scaling.scale, self.scaling.shift, self.threshold, *self.calibration_error, *self.f1)
        return [facs.label(self.unit), self.images, self.present, *(f"{value:.6g}" for value in measures)]


@dataclass(frozen=True, slots=True, eq=False)
class _Predictions:
    """Predictions for labelled images: probabilities and labels [n, 60], and the person of each image [n]."""

    probabilities: NDArray[np.float32]
    labels: NDArray[np.int8]
    people: list[str]


def adapt(predictor: Predictor, folder: Path, data: Path, split: str, out: Path) -> list[Fit]:
    """Write a model whose probabilities and thresholds are fitted to labelled images.

    Args:
        predictor: The model and its detector.
        folder: Its folder.
        data: Folder of a data set, such as images of one's own with ``labels.csv``.
        split: Its split; empty for its training side, so that the other side can still be scored, or else all of it.
        out: Folder of the new model: the same network, ``model.json``, and ``adaptation.csv`` (:data:`COLUMNS`).

    Returns:
        What was fitted, by AU; AUs with too few images stay as they are.

    Raises:
        UserError: The data has no layout that is known, or too few people or images.
    """
    if out.exists() and out.resolve() == folder.resolve():
        raise UserError(f"{out} is the model itself; give another folder for the adapted one.")
    name = datasets.recognize(data)
    if name is None:
        raise UserError(f"{data} has no layout that is known; give images with labels.csv (affectflow data-sets own).")
    info = datasets.info(name)
    split = split or ("train" if "train" in info.splits else "all")
    predictions = _predict(predictor, name, data, split)
    people = len(set(predictions.people))
    if people < _LEAST_PEOPLE:
        raise UserError(
            f"{data} has labelled faces of {people} people in its split {split}; what fits so few does not hold for "
            f"others: give at least {_LEAST_PEOPLE}."
        )
    metadata = predictor.model.metadata
    fits = [fit for unit in metadata.units if (fit := _fit(unit, predictions, metadata)) is not None]
    left = [facs.label(unit) for unit in metadata.units if unit not in {fit.unit for fit in fits}]
    if not fits:
        raise UserError(
            f"{data} has no AU of the model that at least {LEAST} images show and {LEAST} do not; label more images."
        )
    if left:
        log.warning("Fewer than %d images show %s, or do not: they stay as they are.", LEAST, ", ".join(left))
    _write(
        metadata,
        folder,
        fits,
        Adaptation(data=info.title, people=people, images=len(predictions.people), units={}),
        out,
    )
    return fits


def _predict(predictor: Predictor, name: str, data: Path, split: str) -> _Predictions:
    waiting: deque[Sample] = deque()

    def shown() -> Iterator[Shown]:
        for sample in get_dataset(name, data, split).samples():
            waiting.append(sample)
            yield Shown(sample.source, sample.image)

    probabilities, labels, people = [], [], []
    without: Counter[str] = Counter()
    for image in predictor.predict(shown()):
        sample = waiting.popleft()
        if not image.faces:
            without[image.problem] += 1
            continue
        probabilities.append(image.faces[0].probabilities)
        labels.append(sample.units)
        people.append(sample.group)
    for problem, count in without.items():
        log.warning("%d images are not used: %s.", count, problem)
    shape = (len(people), facs.COUNT)
    return _Predictions(np.reshape(probabilities, shape), np.reshape(labels, shape), people)


def _fit(unit: int, predictions: _Predictions, metadata: ModelMetadata) -> Fit | None:
    label = predictions.labels[:, unit - 1]
    known = label != facs.UNKNOWN
    truth = label[known] == facs.PRESENT
    if not is_enough(truth):
        return None
    probability = predictions.probabilities[known, unit - 1].astype(np.float64)
    logits = logits_of(probability)
    parts = parts_of([person for person, is_known in zip(predictions.people, known, strict=True) if is_known], _PARTS)
    apart = probability_apart(truth, logits, parts, Scaling())
    decided = np.zeros(len(truth), bool)
    for part in np.unique(parts):
        inside = parts == part
        decided[inside] = apart[inside] >= _threshold(truth[~inside], logits[~inside])
    scaling = fit_scaling(truth, logits)
    before = probability >= metadata.thresholds.get(facs.label(unit), 0.5)
    return Fit(
        unit=unit,
        images=len(truth),
        present=int(truth.sum()),
        scaling=scaling,
        threshold=best_threshold(truth, scaling.probability(logits)),
        calibration_error=(_error(truth, probability), _error(truth, apart)),
        f1=(_f1(truth, before), _f1(truth, decided)),
    )


def _threshold(truth: NDArray[np.bool_], logits: NDArray[np.float64]) -> float:
    """Return the threshold that is fitted to some images as :func:`_fit` fits it to all."""
    return best_threshold(truth, fit_scaling(truth, logits).probability(logits)) if is_enough(truth) else 0.5


def _error(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    return float(expected_calibration_error(residuals_per_bin(truth, probability).sum(axis=0), truth.size))


def _f1(truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> float:
    return float(Decision.of(outcomes(truth, predicted).sum(axis=0)).f1)


def _write(metadata: ModelMetadata, folder: Path, fits: Sequence[Fit], what: Adaptation, out: Path) -> None:
    """Write the folder, ``model.json`` last, without which it is no model."""
    earlier = metadata.adaptation.units if metadata.adaptation else {}
    scalings = dict(earlier)
    for fit in fits:
        name, scale = facs.label(fit.unit), fit.scaling.scale
        shift = fit.scaling.shift + scale * (earlier[name].shift if name in earlier else 0.0)
        scalings[name] = UnitCalibration(scale=scale * (earlier[name].scale if name in earlier else 1.0), shift=shift)
    thresholds = {facs.label(fit.unit): fit.threshold for fit in fits}
    changed = metadata.model_copy(
        update={
            "thresholds": {**metadata.thresholds, **thresholds},
            "validation_thresholds": {**metadata.validation_thresholds, **thresholds},
            "adaptation": what.model_copy(update={"units": scalings}),
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    for name in (METADATA, *_KEPT):
        (out / name).unlink(missing_ok=True)  # of another model
    for name in _KEPT:
        if (folder / name).is_file():
            with atomic_write(out / name) as partial:
                shutil.copyfile(folder / name, partial)
    write_csv(out / ADAPTED, COLUMNS, (fit.cells() for fit in fits))
    changed.write(out / METADATA)


def table(fits: Sequence[Fit]) -> str:
    """Return what was fitted as text for a terminal."""
    lines = ["AU    present  calibration error   F1"]
    for fit in fits:
        (error, then), (f1, f1_then) = fit.calibration_error, fit.f1
        share = f"{fit.present}/{fit.images}"
        lines.append(f"{facs.label(fit.unit):<5} {share:>7}  {error:.3f} -> {then:.3f}      {f1:.3f} -> {f1_then:.3f}")
    errors, f1s = (np.mean([getattr(fit, name) for fit in fits], axis=0) for name in ("calibration_error", "f1"))
    assert not math.isnan(errors[0])
    lines.append(f"mean           {errors[0]:.3f} -> {errors[1]:.3f}      {f1s[0]:.3f} -> {f1s[1]:.3f}")
    return "\n".join([*lines, f"(of each person by what was fitted to others, in {_PARTS} parts)"])
