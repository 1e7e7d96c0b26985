"""A model with several heads that are trained together on the weighted sum of their losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from affectflow.training.keras_setup import keras, ops

Tensor = Any
Loss = Callable[[Tensor, Tensor], Tensor]
"""From labels and logits of a batch to a scalar."""
UNCERTAINTY = "_uncertainty"
"""Suffix of the names of learned task weights, which weight decay does not apply to."""


class ReplicaContext(Protocol):
    """The devices that share a batch."""

    def gather(self, value: Tensor) -> Tensor:
        """Return the whole batch, of which ``value`` is this device's part."""

    def count(self) -> int:
        """Return the number of devices."""


class OneDevice:
    """A single device, which has the whole batch."""

    def gather(self, value: Tensor) -> Tensor:
        """Return the values of the only device."""
        return value

    def count(self) -> int:
        """Return 1."""
        return 1


class MultiTaskModel(keras.Model):  # type: ignore[misc]
    """A network whose loss is the weighted sum of its heads' losses over the whole batch.

    CCC and means over known labels are not sums over parts of a batch, so every device computes the loss of the
    gathered batch.
    """

    def __init__(
        self,
        network: keras.Model,
        losses: Mapping[str, Loss],
        weights: Mapping[str, float] | None,
        replica_context: ReplicaContext | None = None,
    ) -> None:
        """Wrap a network for training.

        Args:
            network: From pixels to logits by head.
            losses: Loss of each head.
            weights: Fixed weight of each head's loss. None learns them: each is ``exp(-s)`` with a trained ``s`` that
                is added to the loss (Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty").
            replica_context: Devices that share a batch; None is one device.
        """
        super().__init__(network.input, network.output, name=network.name)
        self.network = network
        self._head_losses = dict(losses)
        self._head_weights = dict(weights) if weights is not None else None
        self._replica_context = replica_context or OneDevice()
        self.head_means = {head: keras.metrics.Mean(name=f"{head}_loss") for head in losses}
        self.uncertainties = (
            {head: self.add_weight(shape=(), initializer="zeros", name=head + UNCERTAINTY) for head in losses}
            if weights is None
            else {}
        )

    @property
    def devices(self) -> int:
        """Number of devices that share a batch."""
        return self._replica_context.count()

    def compute_loss(
        self,
        x: Tensor = None,
        y: Mapping[str, Tensor] | None = None,
        y_pred: Mapping[str, Tensor] | None = None,
        sample_weight: Tensor = None,
        training: bool = True,
    ) -> Tensor:
        """Return a batch's loss, divided by the number of devices.

        Args:
            x: Not used.
            y: Labels by head, of this device's part of the batch.
            y_pred: Logits by head, of the same part.
            sample_weight: Not used.
            training: Not used.
        """
        assert y is not None and y_pred is not None
        total: Tensor = 0.0
        for head, loss in self._head_losses.items():
            value = loss(self._replica_context.gather(y[head]), self._replica_context.gather(y_pred[head]))
            self.head_means[head].update_state(value)
            if self._head_weights is None:
                uncertainty = self.uncertainties[head]
                total = total + ops.exp(-uncertainty) * value + uncertainty
            else:
                total = total + self._head_weights[head] * value
        for penalty in self.losses:
            total = total + ops.cast(penalty, "float32")
        return total / self.devices

    def task_weights(self) -> dict[str, float]:
        """Return the current weight of each head's loss."""
        if self._head_weights is not None:
            return dict(self._head_weights)
        return {head: float(ops.exp(-value)) for head, value in self.uncertainties.items()}
