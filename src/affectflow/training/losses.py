"""Losses that leave unknown labels out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

Tensor = Any
Loss = Callable[[Tensor, Tensor], Tensor]
_EPSILON = 1e-7


def masked_cross_entropy(positive_weights: Sequence[float]) -> Loss:
    """Binary cross-entropy of AU occurrence, mean over the labels that are known.

    Labels and probabilities have shape [batch, units]; a label is 1, 0, or -1 where unknown. A positive counts
    ``positive_weights[unit]`` times.
    """
    weights = ops.convert_to_tensor(positive_weights, "float32")

    def action_unit_loss(labels: Tensor, probabilities: Tensor) -> Tensor:
        known = ops.cast(labels >= 0, "float32")
        positive = ops.cast(labels > 0, "float32")
        clipped = ops.clip(probabilities, _EPSILON, 1 - _EPSILON)
        each = -(positive * weights * ops.log(clipped) + (1 - positive) * ops.log(1 - clipped))
        return ops.sum(each * known) / ops.maximum(ops.sum(known), 1.0)

    return action_unit_loss


def concordance_loss(labels: Tensor, predictions: Tensor) -> Tensor:
    """1 - CCC over the batch, plus the mean squared error, averaged over valence and arousal.

    Labels and predictions have shape [batch, 2]; a label is NaN where unknown. A dimension with fewer than two known
    labels in the batch adds its squared error only.
    """
    known = ops.cast(ops.logical_not(ops.isnan(labels)), "float32")
    truth = ops.where(ops.isnan(labels), 0.0, labels)
    count = ops.sum(known, axis=0)
    safe = ops.maximum(count, 1.0)
    truth_mean = ops.sum(truth * known, axis=0) / safe
    mean = ops.sum(predictions * known, axis=0) / safe
    truth_off, off = (truth - truth_mean) * known, (predictions - mean) * known
    covariance = ops.sum(truth_off * off, axis=0) / safe
    spread = (ops.sum(truth_off**2, axis=0) + ops.sum(off**2, axis=0)) / safe + (truth_mean - mean) ** 2
    concordance = 2 * covariance / (spread + _EPSILON)
    squared_error = ops.sum(((truth - predictions) * known) ** 2, axis=0) / safe
    enough = ops.cast(count >= 2, "float32")
    return ops.mean(enough * (1 - concordance) + squared_error)
