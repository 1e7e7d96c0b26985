"""Losses of valence and arousal. Labels are float32 [batch, 2] in [-1, 1], NaN where unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from affectflow.training import heads
from affectflow.training.losses.masks import known_numbers, masked_mean

_EPSILON = 1e-7


def concordance(labels: Tensor, raw: Tensor) -> Tensor:
    """1 - CCC over the batch, plus the mean squared error, averaged over the dimensions with labels.

    Raw numbers are [batch, 2]. A dimension with fewer than two known labels has no CCC and adds its squared error only.
    """
    predictions = heads.outputs(heads.VALENCE_AROUSAL, raw)
    truth, known = known_numbers(labels)
    count = ops.sum(known, axis=0)
    squared_error = ops.sum((truth - predictions) ** 2 * known, axis=0) / ops.maximum(count, 1.0)
    return masked_mean(_one_minus_ccc(truth, predictions, known) + squared_error, ops.cast(count > 0, "float32"))


def concordance_in_bins(labels: Tensor, logits: Tensor) -> Tensor:
    """1 - CCC of the expected value, plus the cross-entropy of the bin that the label lies in.

    Deng, Chen and Shi 2020, "Multitask emotion recognition with incomplete labels", section III-D, with their 20 bins.
    Logits are [batch, 2, 20].
    """
    predictions = heads.outputs(heads.VALENCE_AROUSAL, logits)
    truth, known = known_numbers(labels)
    place = ops.clip(ops.floor((truth + 1) * (heads.BINS / 2)), 0, heads.BINS - 1)
    right = ops.cast(ops.equal(ops.expand_dims(place, -1), np.arange(heads.BINS, dtype=np.float32)), "float32")
    entropy = -ops.sum(right * ops.log_softmax(logits, axis=-1), axis=-1)
    count = ops.sum(known, axis=0)
    mean_entropy = ops.sum(entropy * known, axis=0) / ops.maximum(count, 1.0)
    return masked_mean(_one_minus_ccc(truth, predictions, known) + mean_entropy, ops.cast(count > 0, "float32"))


AFFECT_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"ccc": concordance, heads.CCC_BINS: concordance_in_bins}


def _one_minus_ccc(truth: Tensor, predictions: Tensor, known: Tensor) -> Tensor:
    """By dimension [2], with population moments; 0 where fewer than two labels are known."""
    count = ops.sum(known, axis=0)
    safe = ops.maximum(count, 1.0)
    truth_mean = ops.sum(truth * known, axis=0) / safe
    mean = ops.sum(predictions * known, axis=0) / safe
    truth_off, off = (truth - truth_mean) * known, (predictions - mean) * known
    covariance = ops.sum(truth_off * off, axis=0) / safe
    spread = (ops.sum(truth_off**2, axis=0) + ops.sum(off**2, axis=0)) / safe + (truth_mean - mean) ** 2
    enough = ops.cast(count >= 2, "float32")
    return enough * (1 - 2 * covariance / (spread + _EPSILON))
