"""Losses of the heads: means over known labels.

Occurrence labels are 1, 0 or -1 (unknown); unknown intensities and affect are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from affectflow.datasets.dataset_info import INTENSITIES, VALENCE_AROUSAL
from affectflow.training import heads
from affectflow.training.keras_setup import ops

Tensor = Any


def split_known(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels with 0 in place of NaN, and a mask of the same shape that is 1 where they are known."""
    unknown = ops.isnan(labels)
    return ops.where(unknown, ops.zeros_like(labels), labels), 1.0 - ops.cast(unknown, labels.dtype)


def masked_mean(values: Tensor, known: Tensor) -> Tensor:
    """Return the mean of ``values`` where ``known`` is 1, or 0 if it is 1 nowhere.

    Args:
        values: Of any shape.
        known: 1 or 0, of the same shape.
    """
    return ops.sum(values * known) / ops.maximum(ops.sum(known), 1.0)


Loss = Callable[[Tensor, Tensor], Tensor]

_FOCUS = 2.0  # Lin et al. 2017, the value of their experiments
_EASY_NEGATIVES, _MARGIN = 4.0, 0.05  # Ridnik et al. 2021, their defaults


def cross_entropy(positive_weights: Sequence[float]) -> Loss:
    """Return binary cross-entropy in which a positive of a unit counts ``positive_weights[unit]`` times."""
    return _over_known(positive_weights, lambda log_true, wrong: -log_true)


def focal(positive_weights: Sequence[float]) -> Loss:
    """Return focal loss: cross-entropy times the squared probability of the wrong class.

    Lin et al. 2017, "Focal loss for dense object detection", with the exponent 2 of their experiments.
    """
    return _over_known(positive_weights, lambda log_true, wrong: -log_true * wrong**_FOCUS)


def asymmetric(positive_weights: Sequence[float]) -> Loss:
    """Return asymmetric loss: cross-entropy that reduces the weight of easy negatives and ignores those below a margin.

    Ridnik et al. 2021, "Asymmetric loss for multi-label classification", with the exponents 0 and 4 and the margin
    0.05 of their experiments.
    """
    weights = np.asarray(positive_weights, np.float32)

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        known, positive = _known_and_positive(labels)
        probability = ops.sigmoid(logits)
        shifted = ops.maximum(probability - _MARGIN, 0.0)
        present = -_log_sigmoid(logits)  # their exponent for positives is 0
        absent = -ops.log(1 - shifted) * shifted**_EASY_NEGATIVES
        return masked_mean(positive * weights * present + (1 - positive) * absent, known)

    return loss


OCCURRENCE_LOSSES: dict[str, Callable[[Sequence[float]], Loss]] = {
    "cross_entropy": cross_entropy,
    "focal": focal,
    "asymmetric": asymmetric,
}


def _over_known(positive_weights: Sequence[float], each: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """Return the weighted mean of ``each(log probability of the true class, probability of the other class)``."""
    weights = np.asarray(positive_weights, np.float32)

    def loss(labels: Tensor, logits: Tensor) -> Tensor:
        known, positive = _known_and_positive(labels)
        towards = (2 * positive - 1) * logits
        terms = each(_log_sigmoid(towards), ops.sigmoid(-towards))
        return masked_mean(terms * (positive * (weights - 1) + 1), known)

    return loss


def _known_and_positive(labels: Tensor) -> tuple[Tensor, Tensor]:
    return ops.cast(labels >= 0, "float32"), ops.cast(labels > 0, "float32")


def _log_sigmoid(logits: Tensor) -> Tensor:
    return -ops.softplus(-logits)


def squared_error(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the mean squared error of the intensity.

    Args:
        labels: Intensities [batch, units], from 0 to 5, NaN unknown.
        logits: Logits [batch, units].
    """
    truth, known = split_known(labels)
    return masked_mean((heads.outputs(INTENSITIES, logits) - truth) ** 2, known)


def ordinal(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the summed cross-entropies of "stronger than 0", ..., "stronger than 4".

    Niu et al. 2016, "Ordinal regression with multiple output CNN for age estimation", section 3.2.

    Args:
        labels: Intensities [batch, units], from 0 to 5, NaN unknown.
        logits: Logits [batch, units, 5].
    """
    truth, known = split_known(labels)
    surpassed = ops.cast(ops.expand_dims(truth, -1) > np.arange(heads.LEVELS, dtype=np.float32), "float32")
    each = ops.softplus((1 - 2 * surpassed) * logits)
    return masked_mean(ops.sum(each, axis=-1), known)


INTENSITY_LOSSES: dict[str, Loss] = {
    "squared_error": squared_error,
    heads.ORDINAL: ordinal,
}


_EPSILON = 1e-7


def concordance(labels: Tensor, logits: Tensor) -> Tensor:
    """Return 1 - CCC over the batch plus the mean squared error, averaged over the dimensions with labels.

    A dimension with fewer than two known labels has no CCC and adds its squared error only.

    Args:
        labels: Valence and arousal [batch, 2], from -1 to 1, NaN unknown.
        logits: Logits [batch, 2].
    """
    predictions = heads.outputs(VALENCE_AROUSAL, logits)
    truth, known = split_known(labels)
    count = ops.sum(known, axis=0)
    squared_error = ops.sum((truth - predictions) ** 2 * known, axis=0) / ops.maximum(count, 1.0)
    return masked_mean(_one_minus_ccc(truth, predictions, known) + squared_error, ops.cast(count > 0, "float32"))


def concordance_in_bins(labels: Tensor, logits: Tensor) -> Tensor:
    """Return 1 - CCC of the expected value plus the cross-entropy of the label's bin.

    Deng, Chen and Shi 2020, "Multitask emotion recognition with incomplete labels", section III-D, with their 20 bins.

    Args:
        labels: Valence and arousal [batch, 2], from -1 to 1, NaN unknown.
        logits: Logits [batch, 2, 20].
    """
    predictions = heads.outputs(VALENCE_AROUSAL, logits)
    truth, known = split_known(labels)
    bin_ = ops.clip(ops.floor((truth + 1) * (heads.BINS / 2)), 0, heads.BINS - 1)
    one_hot = ops.cast(ops.equal(ops.expand_dims(bin_, -1), np.arange(heads.BINS, dtype=np.float32)), "float32")
    entropy = -ops.sum(one_hot * ops.log_softmax(logits, axis=-1), axis=-1)
    count = ops.sum(known, axis=0)
    mean_entropy = ops.sum(entropy * known, axis=0) / ops.maximum(count, 1.0)
    return masked_mean(_one_minus_ccc(truth, predictions, known) + mean_entropy, ops.cast(count > 0, "float32"))


AFFECT_LOSSES: dict[str, Loss] = {"ccc": concordance, heads.CCC_BINS: concordance_in_bins}


def _one_minus_ccc(truth: Tensor, predictions: Tensor, known: Tensor) -> Tensor:
    """Return 1 - CCC of each dimension [2], from population moments; 0 if fewer than two labels are known."""
    count = ops.sum(known, axis=0)
    safe = ops.maximum(count, 1.0)
    truth_mean = ops.sum(truth * known, axis=0) / safe
    mean = ops.sum(predictions * known, axis=0) / safe
    truth_off, off = (truth - truth_mean) * known, (predictions - mean) * known
    covariance = ops.sum(truth_off * off, axis=0) / safe
    spread = (ops.sum(truth_off**2, axis=0) + ops.sum(off**2, axis=0)) / safe + (truth_mean - mean) ** 2
    enough = ops.cast(count >= 2, "float32")
    return enough * (1 - 2 * covariance / (spread + _EPSILON))
