"""Heads of a network: their names, the shapes of their logits, and the outputs that are computed from logits.

A head's last layer gives logits, from which both its loss and its outputs are computed:

===================  ====================================  =============================================
head                 logits                                outputs
===================  ====================================  =============================================
``action_units``     [batch, units]                        [batch, units] probability of occurrence
``intensities``      [batch, units], or, ordinal,          [batch, units] intensity, 0 to 5
                     [batch, units, 5] of
                     "stronger than 0, 1, 2, 3, 4"
``valence_arousal``  [batch, 2], or, in bins,              [batch, 2] in [-1, 1]
                     [batch, 2, 20]
===================  ====================================  =============================================

Importing this module does not import Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL

Tensor = Any

HEADS = (ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL)

LEVELS = 5
"""The intensities A to E of FACS, counted 1 to 5."""
BINS = 20
"""Number of bins of [-1, 1], as in Deng et al. 2020."""
BIN_CENTERS = (np.arange(BINS, dtype=np.float32) + 0.5) * (2 / BINS) - 1

ORDINAL = "ordinal"
CCC_BINS = "ccc_bins"

TrainedHeads = Mapping[str, tuple[int, ...]]
"""AUs that each trained head predicts, by head; empty for ``valence_arousal``."""


def logits_shape(head: str, units: int, loss: str) -> tuple[int, ...]:
    """Return the shape of one image's logits.

    Args:
        head: One of :data:`HEADS`.
        units: Number of AUs that the head predicts; ignored for ``valence_arousal``.
        loss: Name of the head's loss.
    """
    if head == VALENCE_AROUSAL:
        return (2, BINS) if loss == CCC_BINS else (2,)
    return (units, LEVELS) if head == INTENSITIES and loss == ORDINAL else (units,)


def outputs(head: str, logits: Tensor) -> Tensor:
    """Compute a head's outputs from its logits.

    Args:
        head: One of :data:`HEADS`.
        logits: Logits [batch, ...]; their number of dimensions tells which of the head's two kinds they are.
    """
    from affectflow.training.keras_setup import ops

    if head == ACTION_UNITS:
        return ops.sigmoid(logits)
    if head == INTENSITIES:
        # The expected number of levels surpassed, or a scaled sigmoid.
        return ops.sum(ops.sigmoid(logits), axis=-1) if len(logits.shape) == 3 else LEVELS * ops.sigmoid(logits)
    if len(logits.shape) == 3:
        return ops.sum(ops.softmax(logits, axis=-1) * BIN_CENTERS, axis=-1)
    return ops.tanh(logits)


def all_outputs(logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Compute the outputs of all heads, by head."""
    return {head: outputs(head, value) for head, value in logits.items()}
