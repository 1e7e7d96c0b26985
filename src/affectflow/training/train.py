"""Training of one run: records in; a model, its history, its card and the reliability of its probabilities out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256, fingerprint
from affectflow.core.code import modules_digest
from affectflow.core.errors import UserError
from affectflow.metrics.calibration import calibration_error_of_bins
from affectflow.records.access import Records
from affectflow.tables.csv_files import write_csv
from affectflow.training import heads as heads_
from affectflow.training import losses as losses_
from affectflow.training import network as networks
from affectflow.training.calibration import Reliability, divide_logits, fit_temperatures, reliability
from affectflow.training.checkpoint import Checkpoints
from affectflow.training.devices import Devices, compile_by_xla, prepare, share_statistics, visible_devices
from affectflow.training.fit import Line, Schedule, Work, fit, write_history
from affectflow.training.heads import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.training.interruption import Interruption
from affectflow.training.multi_task import DeterministicModel, Loss, MultiTaskModel
from affectflow.training.network import HeadSpec, NetworkSpec, build_network
from affectflow.training.optimizers import check_accumulation, make_optimizer
from affectflow.training.reader import Augmentation, Labels, read_labels, sources, staged, training_batches
from affectflow.training.recipe import Recipe
from affectflow.training.sampling import Mixture
from affectflow.training.saving import save_model
from affectflow.training.tensorboard import Board
from affectflow.training.validation import Validator, fit_thresholds

RELIABILITY_COLUMNS = ("unit", "calibrated", "from", "images", "mean_probability", "positive_rate")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a training leaves."""

    model: Path
    history: Path
    card: Path
    reliability: Path


@dataclass(frozen=True, slots=True)
class Places:
    """Folders for what is no output: the state to go on from, and TensorBoard's logs."""

    state: Path
    board: Path


def train(
    recipe: Recipe,
    train_files: Sequence[Path],
    validation_files: Sequence[Path],
    image_size: int,
    synthetic: bool,
    threads: int,
    places: Places,
    outputs: Outputs,
    seconds: float | None = None,
) -> None:
    """Fit a model, keep the weights of the best validation score, fit thresholds and temperatures on validation.

    After ``seconds`` it saves its state and raises :class:`affectflow.training.interruption.OutOfTime`. On one
    machine's CPU the same recipe and records give the same bytes (but for ``images_per_s`` in the history), killed and
    started again or not. Raises :class:`UserError` when the records cannot teach what the heads should
    learn, or when the loss is no number any more.
    """
    prepare(threads, recipe.seed, recipe.precision)
    with Interruption(seconds) as interruption, staged(train_files, recipe.cache_records) as files:
        labels, validation_labels = read_labels(files), read_labels(validation_files)
        if not len(validation_labels):
            raise UserError(
                f"{validation_files[0].parent} holds no validation record; raise records.validation_fraction."
            )
        taught, unsupported = _trainable_heads(labels, recipe)
        mixture = _mixture(labels, taught, recipe)
        records = Records(files)
        schedule = Schedule(
            recipe.epochs, mixture.steps, recipe.batch_size, recipe.patience, 60 * recipe.checkpoint_minutes
        )
        devices = visible_devices()
        check_accumulation(recipe.accumulate, schedule.steps * schedule.epochs, devices.count)
        with devices.scope():
            model = _compiled(recipe, taught, labels, schedule, devices)
        augmentation = Augmentation(**recipe.augmentation)
        validator = Validator(model, taught, validation_files, validation_labels, recipe.batch_size)
        with Board(places.board if recipe.tensorboard else None) as board:
            work = Work(
                batches=lambda start: devices.ahead(
                    training_batches(
                        *(records, mixture.numbers, recipe.batch_size, recipe.input_size, taught, augmentation),
                        *(recipe.seed, start),
                    )
                ),
                validate=validator.measure,
                sources=lambda step: sources(records, mixture.numbers(step)),
                epoch_ended=lambda line: _say(line, recipe.epochs, board),
            )
            checkpoints = Checkpoints(places.state, _stamp(recipe, train_files, validation_files))
            state = fit(model, work, schedule, checkpoints, interruption)
    assert state.best_weights is not None
    model.set_weights(state.best_weights)
    network = _in_float32(recipe, taught, model.network)
    raw = validator.raw(network)
    units = taught.get(ACTION_UNITS, ())
    temperatures, bins = _calibrated(recipe, network, units, validation_labels, raw)
    probabilities = _probabilities(raw, units, temperatures)
    thresholds = fit_thresholds(units, validation_labels.units, probabilities) if units else {}
    save_model(networks.answering(network), outputs.model)
    write_history(outputs.history, state.history)
    write_csv(outputs.reliability, RELIABILITY_COLUMNS, map(_bin_row, bins))
    best = state.history[state.best_epoch - 1]
    card = {
        "units": list(units),
        "intensity_units": list(taught.get(INTENSITIES, ())),
        "heads": list(taught),
        "unsupported": unsupported,
        "image_size": image_size,
        "thresholds": {facs.label(unit): value for unit, value in thresholds.items()},
        "temperatures": {facs.label(unit): round(value, 6) for unit, value in temperatures.items()},
        "calibration_error": {
            name: _number(calibration_error_of_bins([entry for entry in bins if entry.calibrated is after]))
            for name, after in (("before", False), ("after", True))
        },
        "synthetic": synthetic,
        "best_epoch": state.best_epoch,
        "epochs": len(state.history),
        "validation": {name: _number(value) for name, value in best.items() if name.startswith("validation_")},
        "unmeasured": validator.unmeasured(),
        **labels.facts(units, taught.get(INTENSITIES, ())),
        "images": {"train": len(labels), "validation": len(validation_labels)},
        "images_without_label": len(labels) - mixture.count,
        "shown_per_epoch": mixture.shown(),
        "devices": devices.count,
        "recipe": recipe.reproducibility_key(),
    }
    with atomic_write(outputs.card) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _trainable_heads(labels: Labels, recipe: Recipe) -> tuple[dict[str, tuple[int, ...]], list[str]]:
    """The heads that have labels to learn from, each with the AUs that it answers for; and those that have none."""
    positives, negatives = (labels.units == facs.PRESENT).any(axis=0), (labels.units == facs.ABSENT).any(axis=0)
    if recipe.missing_labels == "negative":
        negatives = positives
    strengths = [len(set(column[~np.isnan(column)].tolist())) > 1 for column in labels.intensities.T]
    able: dict[str, tuple[int, ...]] = {
        ACTION_UNITS: tuple(unit for unit in recipe.units if (positives & negatives)[unit - 1]),
        INTENSITIES: tuple(unit for unit in recipe.units if strengths[unit - 1]),
    }
    has_affect = not np.isnan(labels.affect).all()
    wanted = [head for head in heads_.HEADS if head in recipe.heads]
    taught = {head: able.get(head, ()) for head in wanted if (has_affect if head == VALENCE_AROUSAL else able[head])}
    unsupported = [head for head in wanted if head not in taught]
    for head in unsupported:
        print(f"No training image has labels for {head}; the model is trained without that head.", flush=True)
    if not taught:
        raise UserError(
            f"No image of {len(labels)} has a label for {' or '.join(wanted)}; add labels, or change "
            "models.<name>.heads."
        )
    return taught, unsupported


def _mixture(labels: Labels, taught: Mapping[str, tuple[int, ...]], recipe: Recipe) -> Mixture:
    labelled = {head: labels.has(head, units) for head, units in taught.items()}
    return Mixture(labels.datasets, labelled, recipe.batch_size, recipe.shares, recipe.seed)


def _forms(recipe: Recipe, taught: Mapping[str, tuple[int, ...]]) -> tuple[NetworkSpec, tuple[HeadSpec, ...]]:
    form = NetworkSpec(**{field.name: getattr(recipe, field.name) for field in fields(NetworkSpec)})
    return form, tuple(HeadSpec(head, len(units), recipe.losses[head]) for head, units in taught.items())


def _compiled(
    recipe: Recipe,
    taught: Mapping[str, tuple[int, ...]],
    labels: Labels,
    schedule: Schedule,
    devices: Devices,
) -> MultiTaskModel:
    form, wanted = _forms(recipe, taught)
    network = build_network(form, recipe.weights, wanted)
    if devices.count > 1:
        share_statistics(network)
    weights = recipe.task_weights
    model = DeterministicModel(
        network,
        _losses(recipe, taught, labels),
        None if weights is None else {head: weights[head] for head in taught},
        devices.across,
    )
    factor = networks.learning_rate_factors(network, form.layer_decay) if form.layer_decay != 1 else None
    optimizer = make_optimizer(
        *(recipe.optimizer, recipe.learning_rate, recipe.weight_decay, recipe.warmup_fraction),
        schedule.steps * schedule.epochs,
        recipe.accumulate,
        factor,
    )
    model.compile(optimizer=optimizer, jit_compile=compile_by_xla(recipe.xla))
    model.optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return model


def _losses(recipe: Recipe, taught: Mapping[str, tuple[int, ...]], labels: Labels) -> dict[str, Loss]:
    losses: dict[str, Loss] = {}
    if ACTION_UNITS in taught:
        masked = recipe.missing_labels == "ignore"
        weights = positive_weights(labels, taught[ACTION_UNITS], recipe.positive_weight_cap, masked)
        loss = losses_.OCCURRENCE_LOSSES[recipe.losses[ACTION_UNITS]](weights)
        losses[ACTION_UNITS] = loss if masked else lambda truth, raw: loss(keras.ops.maximum(truth, 0.0), raw)
    if INTENSITIES in taught:
        losses[INTENSITIES] = losses_.INTENSITY_LOSSES[recipe.losses[INTENSITIES]]
    if VALENCE_AROUSAL in taught:
        losses[VALENCE_AROUSAL] = losses_.AFFECT_LOSSES[recipe.losses[VALENCE_AROUSAL]]
    return losses


def positive_weights(labels: Labels, units: Sequence[int], cap: float, masked: bool = True) -> list[float]:
    """Negatives over positives of each unit, between 1 and ``cap``; unless ``masked``, unknown labels are negatives."""
    columns = [labels.units[:, unit - 1] for unit in units]
    positives = [int(np.sum(column == facs.PRESENT)) for column in columns]
    negatives = [int(np.sum(column == facs.ABSENT if masked else column != facs.PRESENT)) for column in columns]
    return [float(np.clip(n / max(1, p), 1.0, cap)) for p, n in zip(positives, negatives, strict=True)]


def _stamp(recipe: Recipe, train_files: Sequence[Path], validation_files: Sequence[Path]) -> dict[str, Any]:
    return {
        "config": recipe.reproducibility_key(),
        "weights": None if recipe.weights is None else file_sha256(recipe.weights),
        "code": modules_digest(__name__),
        "training data": fingerprint("", map(file_sha256, train_files)),
        "validation data": fingerprint("", map(file_sha256, validation_files)),
        "numbers": keras.mixed_precision.dtype_policy().name,
        "Keras": keras.__version__,
        "TensorFlow": tf.__version__,
    }


def _in_float32(recipe: Recipe, taught: Mapping[str, tuple[int, ...]], network: keras.Model) -> keras.Model:
    """The network that is saved, and that thresholds and temperatures are for, whatever it was trained in."""
    if keras.mixed_precision.dtype_policy().name == "float32":
        return network
    keras.mixed_precision.set_dtype_policy("float32")
    form, wanted = _forms(recipe, taught)
    exact = build_network(form, recipe.weights, wanted)
    exact.set_weights(network.get_weights())
    return exact


def _calibrated(
    recipe: Recipe, network: keras.Model, units: Sequence[int], labels: Labels, raw: Mapping[str, NDArray[np.float32]]
) -> tuple[dict[int, float], list[Reliability]]:
    """Temperatures, which are put into the network, and what they change."""
    if not units:
        return {}, []
    logits = raw[ACTION_UNITS]
    temperatures = (
        fit_temperatures(units, labels.units, logits)
        if recipe.calibration == "temperature"
        else dict.fromkeys(units, 1.0)
    )
    divide_logits(network.get_layer(ACTION_UNITS), list(temperatures.values()))
    return temperatures, reliability(units, labels.units, logits, temperatures)


def _probabilities(
    raw: Mapping[str, NDArray[np.float32]], units: Sequence[int], temperatures: Mapping[int, float]
) -> NDArray[np.float32]:
    if not units:
        return np.empty((0, 0), np.float32)
    scaled = raw[ACTION_UNITS] / np.array([temperatures[unit] for unit in units], np.float32)
    found: NDArray[np.float32] = keras.ops.convert_to_numpy(keras.ops.sigmoid(scaled))
    return found


def _say(line: Line, epochs: int, board: Board) -> None:
    board.add(line)
    measures = ", ".join(
        f"{name} {line[key]:.3f}"
        for key, name in (
            ("validation_mean_auc", "AUC"),
            ("validation_mean_f1", "F1"),
            ("validation_mean_intensity_ccc", "intensity CCC"),
            ("validation_valence_ccc", "valence CCC"),
            ("validation_arousal_ccc", "arousal CCC"),
        )
        if np.isfinite(line[key])
    )
    print(
        f"epoch {line['epoch']:.0f}/{epochs}: loss {line['loss']:.4f}, {line['images_per_s']:.0f} images/s; "
        f"validation {measures or 'has no measure'}",
        flush=True,
    )


def _bin_row(entry: Reliability) -> tuple[object, ...]:
    return (
        facs.label(entry.unit),
        str(entry.calibrated).lower(),
        f"{entry.low:g}",
        entry.count,
        f"{entry.mean_probability:.6f}",
        f"{entry.positive_rate:.6f}",
    )


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
