"""Training of one run: from records to a model, its history, its metadata and the reliability of its probabilities."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from affectflow import facs
from affectflow.contracts.model_metadata import (
    CalibrationError,
    FaceAlignment,
    ImageCounts,
    ModelMetadata,
    UnitCalibration,
)
from affectflow.contracts.recipe import Recipe
from affectflow.core.cache import file_sha256, fingerprint
from affectflow.core.errors import UserError
from affectflow.core.interruption import Interruption
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.records.access import Records
from affectflow.training.backbones import find_backbone
from affectflow.training.calibration import Calibration, calibrate, write_reliability
from affectflow.training.checkpoint import Checkpoints, EpochLog, State
from affectflow.training.devices import prepare, visible_devices
from affectflow.training.feed import Feed
from affectflow.training.fit import Schedule, TensorBoardWriter, TrainerInputs, fit, write_history
from affectflow.training.heads import HEADS, TrainedHeads
from affectflow.training.keras_setup import keras
from affectflow.training.model import build_model, float32_network, loss_weights
from affectflow.training.network import inference_model
from affectflow.training.optimizers import check_accumulation
from affectflow.training.out_of_fold import out_of_fold_logits
from affectflow.training.reader import Labels, cache_records_locally, read_labels
from affectflow.training.saving import save_model
from affectflow.training.validation import Validator, constant_labels

log = logging.getLogger(__name__)

_LOGGED_METRICS = {
    "validation_mean_auc": "AUC",
    "validation_mean_f1": "F1",
    "validation_mean_intensity_ccc": "intensity CCC",
    "validation_valence_ccc": "valence CCC",
    "validation_arousal_ccc": "arousal CCC",
}


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Records to train on and to validate on."""

    train: Sequence[Path]
    validation: Sequence[Path]
    image_size: int
    """Side in pixels of the stored images."""
    synthetic: bool
    """Whether the faces are drawn by affectflow."""
    faces: FaceAlignment = field(default_factory=partial(FaceAlignment.of, "none"))
    """How faces were found and aligned for the records."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files that a training writes."""

    model: Path
    history: Path
    metadata: Path
    reliability: Path


@dataclass(frozen=True, slots=True)
class Execution:
    """How a training runs, which changes no weight on a CPU.

    Attributes:
        state: Folder of the checkpoints from which it resumes.
        checkpoint_minutes: The longest time between two checkpoints.
        threads: Number of CPU cores; 0 for all.
        seconds: Time limit, after which the state is saved; None for no limit.
        cache_records: Whether the records are copied to the local disk first.
        board: Folder of TensorBoard's logs; None for none.
        code: Digest of the code that decides the weights: a checkpoint of other code is not gone on with.
    """

    state: Path
    checkpoint_minutes: float
    threads: int = 0
    seconds: float | None = None
    cache_records: bool = False
    board: Path | None = None
    code: str = ""


def train(recipe: Recipe, data: TrainingData, execution: Execution, outputs: Outputs) -> None:
    """Fit a model, restore the weights of the best validation score, calibrate it and save it.

    On one machine's CPU the same recipe and records give the same bytes (except ``images_per_s`` in the history),
    whether or not the training was killed and resumed.

    Args:
        recipe: Settings of the run.
        data: Records.
        execution: How the training runs.
        outputs: Files to write.

    Raises:
        UserError: The records have no labels for the heads or for validation, or the loss became NaN or infinite.
        OutOfTime: The time limit passed (:mod:`affectflow.core.interruption`).
        Interrupted: A signal requested to stop.
    """
    prepare(execution.threads, recipe.seed, recipe.precision)
    cached = cache_records_locally(data.train) if execution.cache_records else nullcontext(data.train)
    with Interruption(execution.seconds) as interruption, cached as train_files:
        labels, validation_labels = read_labels(train_files), _read_validation_labels(data.validation)
        trained_heads = _trainable_heads(labels, recipe)
        devices = visible_devices()
        feed = Feed.of(recipe, trained_heads, Records(train_files), labels, devices)
        schedule = Schedule(
            epochs=recipe.epochs,
            steps=feed.mixture.steps,
            batch_size=recipe.batch_size,
            patience=recipe.patience,
            checkpoint_s=60 * execution.checkpoint_minutes,
        )
        check_accumulation(recipe.accumulate, schedule.total_steps, devices.count)
        with devices.scope():
            model = build_model(recipe, trained_heads, labels.units, schedule.total_steps, devices)
        validator = Validator(model, trained_heads, data.validation, validation_labels, recipe.batch_size)
        cache_key = _cache_key(recipe, data, execution.code)
        with TensorBoardWriter(execution.board) as writer:
            inputs = TrainerInputs(feed.batches, validator.validate, feed.image_sources, _on_epoch_end(recipe, writer))
            state = fit(model, inputs, schedule, Checkpoints(execution.state, cache_key), interruption)
        calibration_labels, apart = validation_labels, None
        if ACTION_UNITS in trained_heads and recipe.calibration_folds:
            calibration_labels = labels + validation_labels

            def checkpoints(part: int) -> Checkpoints:
                of_part = {"part": part, "epochs": state.best_epoch}
                return Checkpoints(execution.state / f"calibration-{part}", {**cache_key, **of_part})

            apart = out_of_fold_logits(
                recipe,
                trained_heads,
                [*train_files, *data.validation],
                calibration_labels,
                schedule,
                state.best_epoch,
                checkpoints,
                devices,
                interruption,
            )
    assert state.best_weights is not None
    model.set_weights(state.best_weights)
    network = float32_network(recipe, trained_heads, model.network)
    calibration = Calibration({}, {}, [], ())
    if ACTION_UNITS in trained_heads:
        calibration = calibrate(
            network,
            trained_heads[ACTION_UNITS],
            calibration_labels.units,
            calibration_labels.groups,
            validator.predict_logits(network)[ACTION_UNITS] if apart is None else apart,
            recipe.calibration,
            loss_weights(recipe, trained_heads[ACTION_UNITS], labels.units),
        )
    save_model(inference_model(network), outputs.model)
    write_history(outputs.history, state.history)
    write_reliability(outputs.reliability, calibration.bins)
    ModelMetadata(
        model_sha256=file_sha256(outputs.model),
        **_heads_metadata(recipe, trained_heads),
        image_size=data.image_size,
        normalization=find_backbone(recipe.backbone).scaling,
        faces=data.faces,
        **_calibration_metadata(calibration),
        synthetic=data.synthetic,
        **_history_metadata(state),
        unmeasured=tuple(constant_labels(trained_heads, validation_labels)),
        uncalibrated=tuple(facs.label(unit) for unit in calibration.too_few),
        **labels.counts(trained_heads.get(ACTION_UNITS, ()), trained_heads.get(INTENSITIES, ())),
        images=ImageCounts(train=len(labels), validation=len(validation_labels), calibration=len(calibration_labels)),
        images_without_label=len(labels) - feed.mixture.count,
        shown_per_epoch=feed.mixture.repeats(),
        devices=devices.count,
        versions={"keras": keras.__version__, "tensorflow": tf.__version__},
        recipe=recipe,
    ).write(outputs.metadata)


def _read_validation_labels(files: Sequence[Path]) -> Labels:
    labels = read_labels(files)
    if not len(labels):
        raise UserError(f"{files[0].parent} has no validation records; raise records.validation_fraction.")
    return labels


def _trainable_heads(labels: Labels, recipe: Recipe) -> dict[str, tuple[int, ...]]:
    """Return the recipe's heads that the labels suffice for, with their AUs; log the others."""
    positives, negatives = (labels.units == facs.PRESENT).any(axis=0), (labels.units == facs.ABSENT).any(axis=0)
    if recipe.missing_labels == "negative":
        negatives = positives
    varies = [len(set(column[~np.isnan(column)].tolist())) > 1 for column in labels.intensities.T]
    units = {
        ACTION_UNITS: tuple(unit for unit in recipe.units if (positives & negatives)[unit - 1]),
        INTENSITIES: tuple(unit for unit in recipe.units if varies[unit - 1]),
        VALENCE_AROUSAL: (),
    }
    has_affect = not np.isnan(labels.affect).all()
    trained_heads: dict[str, tuple[int, ...]] = {}
    for head in HEADS:
        if head not in recipe.heads:
            continue
        if has_affect if head == VALENCE_AROUSAL else units[head]:
            trained_heads[head] = units[head]
        else:
            log.warning("No training image has labels for %s; the model is trained without this head.", head)
    if not trained_heads:
        wanted = " or ".join(head for head in HEADS if head in recipe.heads)
        raise UserError(
            f"None of the {len(labels)} training images has a label for {wanted}; add labels, or change "
            "models.<name>.heads."
        )
    return trained_heads


def _on_epoch_end(recipe: Recipe, writer: TensorBoardWriter) -> Callable[[EpochLog], None]:
    def tell(epoch_log: EpochLog) -> None:
        writer.add(epoch_log)
        metrics = ", ".join(
            f"{name} {epoch_log[key]:.3f}" for key, name in _LOGGED_METRICS.items() if np.isfinite(epoch_log[key])
        )
        log.info(
            "epoch %.0f/%d: loss %.4f, %.0f images/s; validation %s",
            epoch_log["epoch"],
            recipe.epochs,
            epoch_log["loss"],
            epoch_log["images_per_s"],
            metrics or "has no metric",
        )

    return tell


def _cache_key(recipe: Recipe, data: TrainingData, code: str) -> dict[str, Any]:
    """Return what a checkpoint must agree with to be resumed."""
    return {
        "config": recipe.model_dump(mode="json"),
        "weights": None if recipe.weights is None else file_sha256(Path(recipe.weights)),
        "code": code,
        "training data": fingerprint("", map(file_sha256, data.train)),
        "validation data": fingerprint("", map(file_sha256, data.validation)),
        "precision": keras.mixed_precision.dtype_policy().name,
        "Keras": keras.__version__,
        "TensorFlow": tf.__version__,
    }


def _heads_metadata(recipe: Recipe, trained_heads: TrainedHeads) -> dict[str, Any]:
    return {
        "units": list(trained_heads.get(ACTION_UNITS, ())),
        "intensity_units": list(trained_heads.get(INTENSITIES, ())),
        "heads": list(trained_heads),
        "unsupported": [head for head in HEADS if head in recipe.heads and head not in trained_heads],
    }


def _calibration_metadata(calibration: Calibration) -> dict[str, Any]:
    return {
        "thresholds": {facs.label(unit): one.threshold for unit, one in calibration.scalings.items()},
        "validation_thresholds": {facs.label(unit): value for unit, value in calibration.thresholds.items()},
        "calibration": {
            facs.label(unit): UnitCalibration(scale=round(one.scale, 6), shift=round(one.shift, 6))
            for unit, one in calibration.scalings.items()
        },
        "calibration_error": CalibrationError(
            before=_number(calibration.error(calibrated=False)), after=_number(calibration.error(calibrated=True))
        ),
    }


def _history_metadata(state: State) -> dict[str, Any]:
    best = state.history[state.best_epoch - 1]
    return {
        "best_epoch": state.best_epoch,
        "epochs": len(state.history),
        "validation": {name: _number(value) for name, value in best.items() if name.startswith("validation_")},
    }


def _number(value: float) -> float | None:
    """Round for JSON, which has no NaN."""
    return round(float(value), 6) if np.isfinite(value) else None
