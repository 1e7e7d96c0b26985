"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6; small and fast on a CPU.

Source: TensorFlow's ``efficientnet/lite`` (Liu 2020), after Tan and Le, "EfficientNet" (ICML 2019). Weights are a
PyTorch ``state_dict`` with the names of ``efficientnet_lite_pytorch``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow.core.errors import UserError
from affectflow.training.keras_setup import keras
from affectflow.training.torch_file import Tensors, read_tensors

_EPSILON = 1e-3
_STEM = 32
_STAGES = (  # kernel, repeats, output channels, expansion, stride
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
_MIDDLE = 5
"""Stages of the network that ends at a map of 112 channels, a sixteenth of the image's side."""
_HEAD = 1280


def lite0(size: int) -> keras.Model:
    """Build the whole network without top: 1,280 channels at a thirty-second of the side."""
    return _network(size, len(_STAGES), "efficientnetlite0")


def lite0_middle(size: int) -> keras.Model:
    """Build its first eleven blocks: 112 channels at a sixteenth of the side, with a sixth of the parameters.

    Features in the middle of a network for things carry over to faces better than those at its top.
    """
    return _network(size, _MIDDLE, "efficientnetlite0middle")


def load_lite0(network: keras.Model, weights: Path) -> None:
    """Set the weights of a network of this module.

    Args:
        network: The network.
        weights: File of a ``state_dict`` of the whole network; blocks that are not in ``network`` are left out.

    Raises:
        UserError: The file is damaged, or has other tensors than EfficientNet-Lite0.
    """
    tensors = read_tensors(weights)
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            values = _values(tensors, layer)
            if [value.shape for value in values] != [tuple(weight.shape) for weight in layer.weights]:
                raise KeyError(f"{layer.name} of another shape")
        except KeyError as error:
            raise UserError(f"{weights} holds no EfficientNet-Lite0: it has no tensor {error.args[0]}.") from None
        layer.set_weights(values)


def _values(tensors: Tensors, layer: keras.layers.Layer) -> list[np.ndarray]:
    """Return the weights of a layer in Keras's layout; raises :class:`KeyError` where one is missing."""
    # Names of TensorFlow cannot begin with an underscore, with which PyTorch's begin.
    name = ".".join(part if part.isdigit() else f"_{part}" for part in layer.name.split("."))
    if isinstance(layer, keras.layers.BatchNormalization):
        return [tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    kernel = tensors[f"{name}.weight"]  # [out, in, height, width]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [kernel.transpose(2, 3, 0, 1)]
    return [kernel.transpose(2, 3, 1, 0)]


def _network(size: int, stages: int, name: str) -> keras.Model:
    pixels = keras.Input((size, size, 3))
    x = _conv(pixels, _STEM, 3, 2, "conv_stem", "bn0", activated=True)
    channels, number = _STEM, 0
    for kernel, repeats, out, expansion, stride in _STAGES[:stages]:
        for repeat in range(repeats):
            x = _block(x, f"blocks.{number}", kernel, channels, out, expansion, stride if repeat == 0 else 1)
            channels, number = out, number + 1
    if stages == len(_STAGES):
        x = _conv(x, _HEAD, 1, 1, "conv_head", "bn1", activated=True)
    return keras.Model(pixels, x, name=name)


def _block(
    x: keras.KerasTensor, name: str, kernel: int, channels: int, out: int, expansion: int, stride: int
) -> keras.KerasTensor:
    """Add an inverted residual block (Sandler et al. 2018)."""
    before = x
    if expansion != 1:
        x = _conv(x, channels * expansion, 1, 1, f"{name}.expand_conv", f"{name}.bn0", activated=True)
    x = keras.layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=f"{name}.depthwise_conv")(x)
    x = keras.layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}.bn1")(x)
    x = keras.layers.ReLU(6.0)(x)
    x = _conv(x, out, 1, 1, f"{name}.project_conv", f"{name}.bn2", activated=False)
    return keras.layers.Add()([before, x]) if stride == 1 and channels == out else x


def _conv(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str, norm: str, activated: bool
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)(x)
    x = keras.layers.BatchNormalization(epsilon=_EPSILON, name=norm)(x)
    return keras.layers.ReLU(6.0)(x) if activated else x
