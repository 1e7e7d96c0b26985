"""Training of one run: records in, ``model.keras``, ``history.csv`` and ``model.json`` out."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from affectflow import facs
from affectflow.errors import UserError
from affectflow.tables import whole
from affectflow.training.augment import Augmentation
from affectflow.training.losses import concordance_loss, masked_cross_entropy
from affectflow.training.model import ACTION_UNITS, VALENCE_AROUSAL, build_model
from affectflow.training.optimisers import make_optimiser
from affectflow.training.reader import Labels, pictures_in_order, read_labels, training_batches
from affectflow.training.save import save_model
from affectflow.training.validate import Validation, fit_thresholds, validate


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run as the configuration describes it; see ``models`` and ``training`` in ``config/README.md``."""

    backbone: str
    weights: Path | None
    input_size: int
    dropout: float
    heads: tuple[str, ...]
    units: tuple[int, ...]
    seed: int
    epochs: int
    patience: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    positive_weight_cap: float
    valence_arousal_weight: float
    augmentation: Augmentation

    @classmethod
    def of(cls, settings: Mapping[str, Any], weights: Path | None) -> Self:
        """From the configuration's mapping of a model's entry and its training keys."""
        fields = {
            **settings,
            "heads": tuple(settings["heads"]),
            "units": tuple(settings["units"]),
            "augmentation": Augmentation(**settings["augmentation"]),
        }
        return cls(weights=weights, **fields)


def train(
    recipe: Recipe,
    train_files: Sequence[Path],
    validation_files: Sequence[Path],
    image_size: int,
    synthetic: bool,
    threads: int,
    model_out: Path,
    history_out: Path,
    card_out: Path,
) -> None:
    """Fit a model, keep the weights of the best validation score, and fit its thresholds on validation.

    On one machine's CPU the same recipe and records give the same bytes. Raises :class:`UserError` when the records
    cannot teach what the heads should learn, or when the loss is no number any more.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    # Operations side by side share threads, and on a busy machine their sums then differ in the last bit.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    labels, validation_labels = read_labels(train_files), read_labels(validation_files)
    units, heads = _teachable(labels, recipe)
    if not len(validation_labels.units):
        raise UserError(f"{validation_files[0].parent} holds no validation record; raise records.validation_fraction.")
    steps = max(1, len(labels.units) // recipe.batch_size)
    model = build_model(recipe.backbone, recipe.weights, recipe.input_size, recipe.dropout, len(units), heads)
    losses: dict[str, Any] = {
        ACTION_UNITS: masked_cross_entropy(positive_weights(labels, units, recipe.positive_weight_cap)),
        VALENCE_AROUSAL: concordance_loss,
    }
    weights = {ACTION_UNITS: 1.0, VALENCE_AROUSAL: recipe.valence_arousal_weight}
    model.compile(
        optimizer=make_optimiser(
            recipe.optimizer, recipe.learning_rate, recipe.weight_decay, recipe.warmup_fraction, steps * recipe.epochs
        ),
        loss={head: losses[head] for head in heads},
        loss_weights={head: weights[head] for head in heads},
    )
    model.optimizer.build(model.trainable_variables)
    watcher = _Watcher(units, heads, validation_files, validation_labels, recipe)
    model.fit(
        training_batches(
            train_files, recipe.batch_size, recipe.input_size, units, heads, recipe.augmentation, recipe.seed
        ),
        steps_per_epoch=steps,
        epochs=recipe.epochs,
        callbacks=[watcher, keras.callbacks.TerminateOnNaN()],
        verbose=0,
    )
    if watcher.best_weights is None:
        raise UserError(
            f"The loss of {recipe.backbone} is no number any more in epoch {watcher.epoch}; "
            f"lower its learning rate of {recipe.learning_rate:g}."
        )
    model.set_weights(watcher.best_weights)
    probabilities, _ = watcher.predict()
    thresholds = fit_thresholds(units, validation_labels.units, probabilities) if probabilities is not None else {}
    save_model(model, model_out)
    _write_history(history_out, watcher.history)
    card = {
        "units": list(units),
        "heads": list(heads),
        "image_size": image_size,
        "thresholds": {facs.label(unit): round(value, 6) for unit, value in thresholds.items()},
        "synthetic": synthetic,
        "best_epoch": watcher.best_epoch,
        "crops": dict(sorted(labels.crops.items())),
        "pictures": {"train": len(labels.units), "validation": len(validation_labels.units)},
        "positives": {facs.label(unit): int(np.sum(labels.units[:, unit - 1] == 1)) for unit in units},
        "negatives": {facs.label(unit): int(np.sum(labels.units[:, unit - 1] == 0)) for unit in units},
        "pictures_with_affect": int(np.sum(~np.isnan(labels.affect).any(axis=1))),
    }
    with whole(card_out) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _teachable(labels: Labels, recipe: Recipe) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The wanted AUs with both positives and negatives, and the heads that have labels to learn from."""
    heads = recipe.heads
    positives, negatives = (labels.units == 1).any(axis=0), (labels.units == 0).any(axis=0)
    units = tuple(unit for unit in recipe.units if (positives & negatives)[unit - 1])
    taught = {ACTION_UNITS: bool(units), VALENCE_AROUSAL: not np.isnan(labels.affect).all()}
    kept = tuple(head for head in heads if taught[head])
    for head in set(heads) - set(kept):
        print(f"No training picture has labels for {head}; the model is trained without that head.")
    if not kept:
        raise UserError(
            f"No picture of {len(labels.units)} has a label for {' or '.join(heads)}; "
            "add labels, or change models.<name>.heads."
        )
    return (units if ACTION_UNITS in kept else ()), kept


def positive_weights(labels: Labels, units: Sequence[int], cap: float) -> list[float]:
    """Negatives over positives of each unit, between 1 and ``cap``."""
    columns = [labels.units[:, unit - 1] for unit in units]
    return [float(np.clip(np.sum(column == 0) / max(1, np.sum(column == 1)), 1.0, cap)) for column in columns]


class _Watcher(keras.callbacks.Callback):  # type: ignore[misc]
    """Validates after every epoch, keeps the best weights, and stops when they stay the best for too long."""

    def __init__(
        self,
        units: Sequence[int],
        heads: Sequence[str],
        files: Sequence[Path],
        labels: Labels,
        recipe: Recipe,
    ) -> None:
        super().__init__()
        self._units, self._heads, self._labels, self._recipe = units, heads, labels, recipe
        self._pictures = pictures_in_order(files, recipe.batch_size)
        self.history: list[dict[str, float]] = []
        self.best_weights: list[np.ndarray] | None = None
        self.best_epoch = 0
        self._best_score = -np.inf
        self.epoch = 0

    def predict(self) -> tuple[np.ndarray | None, np.ndarray | None]:
        outputs: Mapping[str, np.ndarray] = self.model.predict(self._pictures, verbose=0)
        return outputs.get(ACTION_UNITS), outputs.get(VALENCE_AROUSAL)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self.epoch = epoch + 1

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logs = logs or {}
        if not np.isfinite(logs.get("loss", np.nan)):
            return
        result = validate(self._units, self._labels.units, self._labels.affect, *self.predict())
        self.history.append(_line(self.epoch, logs, result, float(self.model.optimizer.learning_rate)))
        print(
            f"epoch {self.epoch}/{self._recipe.epochs}: loss {logs['loss']:.4f}, validation AUC {result.mean_auc:.3f}, "
            f"F1 {result.mean_f1:.3f}, CCC {result.valence_ccc:.3f} (valence) {result.arousal_ccc:.3f} (arousal)",
            flush=True,
        )
        # Where validation allows no measure at all, the last weights are kept.
        score = result.score if np.isfinite(result.score) else self._best_score
        if score > self._best_score or self.best_weights is None or not np.isfinite(result.score):
            self._best_score, self.best_epoch, self.best_weights = score, self.epoch, self.model.get_weights()
        elif self.epoch - self.best_epoch >= self._recipe.patience:
            self.model.stop_training = True


def _line(epoch: int, logs: Mapping[str, float], result: Validation, learning_rate: float) -> dict[str, float]:
    line = {
        "epoch": float(epoch),
        "learning_rate": learning_rate,
        "loss": logs["loss"],
        **{name: value for name, value in sorted(logs.items()) if name.endswith("_loss")},
        "validation_score": result.score,
        "validation_mean_auc": result.mean_auc,
        "validation_mean_f1": result.mean_f1,
        "validation_valence_ccc": result.valence_ccc,
        "validation_arousal_ccc": result.arousal_ccc,
    }
    line.update({f"validation_auc_{facs.label(unit)}": value for unit, value in result.auc.items()})
    return line


def _write_history(path: Path, lines: Sequence[Mapping[str, float]]) -> None:
    with whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        for line in lines:
            writer.writerow({name: "" if np.isnan(value) else f"{value:.6g}" for name, value in line.items()})
