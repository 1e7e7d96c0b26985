"""Losses of AU intensity. Labels are float32 [batch, units], 0 to 5, or NaN where unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from affectflow.training import heads
from affectflow.training.losses.masks import known_numbers, masked_mean



def squared_error(labels: Tensor, raw: Tensor) -> Tensor:
    """Mean squared error of the intensity; raw numbers are [batch, units]."""
    truth, known = known_numbers(labels)
    return masked_mean((heads.outputs(heads.INTENSITIES, raw) - truth) ** 2, known)


def ordinal(labels: Tensor, logits: Tensor) -> Tensor:
    """Sum of the cross-entropies of "stronger than 0", ..., "stronger than 4" (Niu et al. 2016, section 3.2).

    Logits are [batch, units, 5].
    """
    truth, known = known_numbers(labels)
    surpassed = ops.cast(ops.expand_dims(truth, -1) > np.arange(heads.LEVELS, dtype=np.float32), "float32")
    each = ops.softplus((1 - 2 * surpassed) * logits)
    return masked_mean(ops.sum(each, axis=-1), known)


INTENSITY_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"squared_error": squared_error, heads.ORDINAL: ordinal}
