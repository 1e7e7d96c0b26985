"""Losses of AU occurrence. Labels are float32 [batch, units]: 1, 0, or -1 where unknown; raw numbers are logits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from affectflow.training.losses.masks import masked_mean

Loss = Callable[[Tensor, Tensor], Tensor]

_FOCUS = 2.0  # Lin et al. 2017, the value of their experiments
_EASY_NEGATIVES, _MARGIN = 4.0, 0.05  # Ridnik et al. 2021, their defaults


def cross_entropy(positive_weights: Sequence[float]) -> Loss:
    """Binary cross-entropy; a positive counts ``positive_weights[unit]`` times."""
    return _over_known(positive_weights, lambda log_right, wrong: -log_right)


def focal(positive_weights: Sequence[float]) -> Loss:
    """Cross-entropy times (the probability of being wrong) squared (Lin et al. 2017, "Focal loss")."""
    return _over_known(positive_weights, lambda log_right, wrong: -log_right * wrong**_FOCUS)


def asymmetric(positive_weights: Sequence[float]) -> Loss:
    """Cross-entropy in which easy negatives fade, and those below a margin count for nothing.

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
    """``each`` of the logarithm of the probability of the right answer, and the probability of the wrong one."""
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
