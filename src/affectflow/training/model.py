"""The compiled model that a training run fits: network, losses and optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.recipe import Recipe
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.training import losses as losses_
from affectflow.training.devices import Devices, compile_by_xla, share_statistics
from affectflow.training.heads import TrainedHeads
from affectflow.training.keras_setup import keras, ops
from affectflow.training.multi_task import Loss, MultiTaskModel
from affectflow.training.network import HeadSpec, NetworkSpec, build_network, learning_rate_factors
from affectflow.training.optimizers import make_optimizer


class DeterministicModel(MultiTaskModel):
    """A :class:`MultiTaskModel` that adds up gradients in a fixed order, for results that are the same to the bit."""

    def train_step(self, data: Any) -> Any:
        """Take one optimizer step, in an order of operations that is the same in every process."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, training=True)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss * self.devices, sample_weight=tf.shape(x)[0])
        variables = self.trainable_variables
        gradients = tf.gradients(
            self.optimizer.scale_loss(loss),
            [variable.value for variable in variables],
            aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE,
        )
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(x, y, y_pred)


def build_model(
    recipe: Recipe, trained_heads: TrainedHeads, unit_labels: NDArray[np.int8], steps: int, devices: Devices
) -> DeterministicModel:
    """Build and compile a model.

    Args:
        recipe: The run's settings.
        trained_heads: AUs of each head.
        unit_labels: Occurrence labels [n, 60] of the training images, for the weights of positives.
        steps: Training steps of all epochs, for the learning rate schedule.
        devices: The devices to train on; call this within their scope.
    """
    spec, weights, heads = _specs(recipe, trained_heads)
    network = build_network(spec, weights, heads)
    if devices.count > 1:
        share_statistics(network)
    task_weights = recipe.fixed_task_weights
    model = DeterministicModel(
        network,
        _losses(recipe, trained_heads, unit_labels),
        None if task_weights is None else {head: getattr(task_weights, head) for head in trained_heads},
        devices.replica_context,
    )
    optimizer = make_optimizer(
        recipe.optimizer,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        warmup_fraction=recipe.warmup_fraction,
        steps=steps,
        accumulate=recipe.accumulate,
        factor=learning_rate_factors(network, spec.layer_decay) if spec.layer_decay != 1 else None,
    )
    model.compile(optimizer=optimizer, jit_compile=compile_by_xla(recipe.xla))
    model.optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return model


def float32_network(recipe: Recipe, trained_heads: TrainedHeads, network: keras.Model) -> keras.Model:
    """Return a trained network in float32, in which it is calibrated and saved whatever it was trained in.

    Args:
        recipe: The run's settings.
        trained_heads: AUs of each head.
        network: The trained network.
    """
    if keras.mixed_precision.dtype_policy().name == "float32":
        return network
    keras.mixed_precision.set_dtype_policy("float32")
    spec, weights, heads = _specs(recipe, trained_heads)
    exact = build_network(spec, weights, heads)
    exact.set_weights(network.get_weights())
    return exact


def loss_weights(recipe: Recipe, units: Sequence[int], unit_labels: NDArray[np.int8]) -> list[float]:
    """Return how often a positive of each AU counts in the loss.

    Args:
        recipe: The run's settings.
        units: The AUs.
        unit_labels: Occurrence labels [n, 60] of the training images.
    """
    if recipe.missing_labels == "negative":
        unit_labels = np.where(unit_labels == facs.UNKNOWN, facs.ABSENT, unit_labels).astype(np.int8)
    return positive_weights(unit_labels, units, recipe.positive_weight_cap)


def positive_weights(unit_labels: NDArray[np.int8], units: Sequence[int], cap: float) -> list[float]:
    """Return negatives over positives of each AU, between 1 and ``cap``.

    Args:
        unit_labels: Occurrence labels [n, 60] of the training images.
        units: The AUs.
        cap: The largest weight.
    """
    columns = [unit_labels[:, unit - 1] for unit in units]
    positives = [int(np.sum(column == facs.PRESENT)) for column in columns]
    negatives = [int(np.sum(column == facs.ABSENT)) for column in columns]
    return [float(np.clip(n / max(1, p), 1.0, cap)) for p, n in zip(positives, negatives, strict=True)]


def _specs(recipe: Recipe, trained_heads: TrainedHeads) -> tuple[NetworkSpec, Path | None, tuple[HeadSpec, ...]]:
    """Return the architecture, the file of initial weights and the heads of a network."""
    spec = NetworkSpec(**{field.name: getattr(recipe, field.name) for field in fields(NetworkSpec)})
    heads = (HeadSpec(head, len(units), getattr(recipe.losses, head)) for head, units in trained_heads.items())
    return spec, None if recipe.weights is None else Path(recipe.weights), tuple(heads)


def _losses(recipe: Recipe, trained_heads: TrainedHeads, unit_labels: NDArray[np.int8]) -> dict[str, Loss]:
    losses: dict[str, Loss] = {}
    if ACTION_UNITS in trained_heads:
        negative = recipe.missing_labels == "negative"
        weights = loss_weights(recipe, trained_heads[ACTION_UNITS], unit_labels)
        loss = losses_.OCCURRENCE_LOSSES[recipe.losses.action_units](weights)
        losses[ACTION_UNITS] = (lambda labels, logits: loss(ops.maximum(labels, 0.0), logits)) if negative else loss
    if INTENSITIES in trained_heads:
        losses[INTENSITIES] = losses_.INTENSITY_LOSSES[recipe.losses.intensities]
    if VALENCE_AROUSAL in trained_heads:
        losses[VALENCE_AROUSAL] = losses_.AFFECT_LOSSES[recipe.losses.valence_arousal]
    return losses
