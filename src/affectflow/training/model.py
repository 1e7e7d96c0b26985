"""A backbone with its heads, from pixels to probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from affectflow.errors import UserError
from affectflow.training.backbones import BACKBONES

ACTION_UNITS = "action_units"
VALENCE_AROUSAL = "valence_arousal"
_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


def build_model(
    backbone: str, weights: Path | None, input_size: int, dropout: float, units: int, heads: Sequence[str]
) -> keras.Model:
    """Pixels, RGB 0 to 255 [batch, any height, any width, 3] -> a mapping of the heads' outputs.

    ``action_units`` is the probability of each unit taught, [batch, units]; ``valence_arousal`` lies in [-1, 1],
    [batch, 2]. Scaling and normalising are part of the model, so that no caller can get them wrong. Raises
    :class:`UserError` when a weights file does not fit.
    """
    spec = BACKBONES[backbone]
    pixels = keras.Input((None, None, 3), name="pixels")
    scaled = keras.layers.Resizing(input_size, input_size, name="scale")(pixels)
    if weights is None:
        normal = _standardise(scaled)
    elif spec.caffe:
        offsets = [-mean for mean in _IMAGENET_MEAN_BGR]
        normal = keras.layers.Rescaling(1.0, offsets, name="normalise")(ops.flip(scaled, axis=-1))
    else:
        normal = keras.layers.Rescaling(1 / 127.5, -1.0, name="normalise")(scaled)
    network = getattr(keras.applications, spec.application)(
        include_top=False, weights=None, input_shape=(input_size, input_size, 3), pooling="avg"
    )
    if weights is None:
        _prepare_random(network)
    else:
        try:
            network.load_weights(weights)
        except (OSError, ValueError) as error:
            raise UserError(f"{weights} holds no weights for {backbone} without top ({error}).") from None
    features = keras.layers.Dropout(dropout, name="dropout")(network(normal))
    outputs = {}
    if ACTION_UNITS in heads:
        outputs[ACTION_UNITS] = keras.layers.Dense(units, "sigmoid", dtype="float32", name=ACTION_UNITS)(features)
    if VALENCE_AROUSAL in heads:
        outputs[VALENCE_AROUSAL] = keras.layers.Dense(2, "tanh", dtype="float32", name=VALENCE_AROUSAL)(features)
    return keras.Model(pixels, outputs, name=backbone)


def _standardise(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Each picture to zero mean and unit spread, so that a network from random weights need not learn exposure."""
    mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    spread = ops.std(pixels, axis=(1, 2, 3), keepdims=True)
    return (pixels - mean) / (spread + 1.0)


def _prepare_random(network: keras.Model) -> None:
    """Starting values with which deep networks learn from the first step.

    Residual branches start at zero (Goyal et al. 2017, section 5.1); convolutions without batch normalisation after
    them start with He's variance (He et al. 2015).
    """
    normalised = any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.endswith("_3_bn"):
            layer.gamma.assign(ops.zeros_like(layer.gamma))
        elif isinstance(layer, keras.layers.Conv2D) and not normalised:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))
