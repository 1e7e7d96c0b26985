"""What a network answers: the names of its heads, how many numbers each needs, and what those numbers mean.

A head's last layer gives *raw* numbers, from which both its loss and its *outputs* are made:

===================  ====================================  =============================================
head                 raw                                   outputs
===================  ====================================  =============================================
``action_units``     [batch, units] logits                 [batch, units] probability of occurrence
``intensities``      [batch, units], or, ordinal,          [batch, units] intensity, 0 to 5
                     [batch, units, 5] logits of
                     "stronger than 0, 1, 2, 3, 4"
``valence_arousal``  [batch, 2], or, in bins,              [batch, 2] in [-1, 1]
                     [batch, 2, 20] logits
===================  ====================================  =============================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

Tensor = Any

ACTION_UNITS = "action_units"
INTENSITIES = "intensities"
VALENCE_AROUSAL = "valence_arousal"
HEADS = (ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL)

LEVELS = 5
"""The intensities A to E of FACS, counted 1 to 5."""
BINS = 20
"""Of [-1, 1], as Deng et al. 2020 divide it."""
BIN_CENTERS = (np.arange(BINS, dtype=np.float32) + 0.5) * (2 / BINS) - 1

ORDINAL = "ordinal"
CCC_BINS = "ccc_bins"


def raw_shape(head: str, units: int, loss: str) -> tuple[int, ...]:
    """Of one image's raw numbers, given how many units a head answers for and the name of its loss."""
    if head == VALENCE_AROUSAL:
        return (2, BINS) if loss == CCC_BINS else (2,)
    return (units, LEVELS) if head == INTENSITIES and loss == ORDINAL else (units,)


def outputs(head: str, raw: Tensor) -> Tensor:
    """A head's outputs from its raw numbers, whose shape tells of which kind they are."""
    if head == ACTION_UNITS:
        return ops.sigmoid(raw)
    if head == INTENSITIES:
        # The expected number of levels surpassed; or a number of its own.
        return ops.sum(ops.sigmoid(raw), axis=-1) if len(raw.shape) == 3 else LEVELS * ops.sigmoid(raw)
    if len(raw.shape) == 3:
        return ops.sum(ops.softmax(raw, axis=-1) * BIN_CENTERS, axis=-1)
    return ops.tanh(raw)


def all_outputs(raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Of all heads."""
    return {head: outputs(head, value) for head, value in raw.items()}
