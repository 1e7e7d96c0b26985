"""Several heads trained at once: their losses, weighted against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import keras
import tensorflow as tf
from keras import ops

Tensor = Any
Loss = Callable[[Tensor, Tensor], Tensor]
UNCERTAINTY = "_uncertainty"
"""How the names of learnt weights of heads end; they are no weights to keep small."""


class ReplicaContext(Protocol):
    """Devices that share a batch between them."""

    def gather(self, value: Tensor) -> Tensor:
        """The whole batch of which ``value`` is one device's part."""

    def count(self) -> int:
        """How many there are."""


class OneDevice:
    """Nothing to share with anybody."""

    def gather(self, value: Tensor) -> Tensor:
        return value

    def count(self) -> int:
        return 1


class MultiTaskModel(keras.Model):  # type: ignore[misc]
    """A network whose loss is the weighted sum of its heads', over the whole batch.

    ``weights`` are fixed; where they are None, each is ``exp(-s)`` of an ``s`` that is learnt and added to the loss
    (Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty"). CCC and means over known labels do not
    come apart into sums over parts of a batch, so every device computes the loss of the batch as a whole.
    """

    def __init__(
        self,
        network: keras.Model,
        losses: Mapping[str, Loss],
        weights: Mapping[str, float] | None,
        across: ReplicaContext | None = None,
    ) -> None:
        super().__init__(network.input, network.output, name=network.name)
        self.network = network
        self._head_losses = dict(losses)
        self._head_weights = dict(weights) if weights is not None else None
        self._across = across or OneDevice()
        self.head_means = {head: keras.metrics.Mean(name=f"{head}_loss") for head in losses}
        self.uncertainties = (
            {head: self.add_weight(shape=(), initializer="zeros", name=head + UNCERTAINTY) for head in losses}
            if weights is None
            else {}
        )

    @property
    def devices(self) -> int:
        """How many share a batch."""
        return self._across.count()

    def compute_loss(
        self,
        x: Tensor = None,
        y: Mapping[str, Tensor] | None = None,
        y_pred: Mapping[str, Tensor] | None = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """The loss of a batch with labels ``y`` and raw numbers ``y_pred``, each by head, divided among devices."""
        assert y is not None and y_pred is not None
        total: Tensor = 0.0
        for head, loss in self._head_losses.items():
            each = loss(self._across.gather(y[head]), self._across.gather(y_pred[head]))
            self.head_means[head].update_state(each)
            if self._head_weights is None:
                uncertainty = self.uncertainties[head]
                total = total + ops.exp(-uncertainty) * each + uncertainty
            else:
                total = total + self._head_weights[head] * each
        for penalty in self.losses:
            total = total + ops.cast(penalty, "float32")
        return total / self.devices

    def task_weights(self) -> dict[str, float]:
        """By head, as they are now."""
        if self._head_weights is not None:
            return dict(self._head_weights)
        return {head: float(ops.exp(-value)) for head, value in self.uncertainties.items()}


class DeterministicModel(MultiTaskModel):
    """The same losses and gradients, added up in an order of their own."""

    def train_step(self, data: Any) -> Any:
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
