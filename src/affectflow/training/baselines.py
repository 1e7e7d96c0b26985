"""What a network must beat: features of a picture that nobody learnt."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from affectflow.errors import UserError

GREY_SIDE = 16
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def constant(size: int) -> keras.Model:
    """One number that is the same for every picture: heads on it can learn how frequent labels are, and no more."""
    pixels = keras.Input((size, size, 3))
    return keras.Model(pixels, ops.zeros_like(pixels[:, :1, :1, :1]), name="constant")


def grey_pixels(size: int) -> keras.Model:
    """Grey means of 16 x 16 fields, [batch, 16, 16, 1]: a linear head on them is logistic regression.

    Raises :class:`UserError` for a ``size`` that 16 does not divide.
    """
    if size % GREY_SIDE:
        raise UserError(f"grey_pixels cannot be built for {size} pixels; set input_size to a multiple of {GREY_SIDE}.")
    pixels = keras.Input((size, size, 3))
    grey = ops.sum(pixels * _LUMA, axis=-1, keepdims=True)
    return keras.Model(pixels, keras.layers.AveragePooling2D(size // GREY_SIDE)(grey), name="greypixels")


MAKERS = {"Constant": constant, "GreyPixels": grey_pixels}
"""By :attr:`affectflow.training.backbones.Backbone.application`."""
