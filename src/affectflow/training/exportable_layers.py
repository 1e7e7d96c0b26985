"""Networks of ``keras.applications``, in layers that are exported and run everywhere.

Keras's ``Normalization`` holds constants that tf2onnx takes for inputs of the network, and depthwise convolutions that
are written as grouped ones (ConvNeXt) go through XLA, which ONNX does not have. What replaces them computes the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.training.keras_setup import keras, ops

_LEAST = 1e-7
"""What Keras divides by where a deviation is smaller."""


def with_exportable_layers(network: keras.Model, divisor: tuple[float, ...] | None = None) -> keras.Model:
    """Return a network of the same outputs, layers' names and weights.

    Args:
        network: The network, with its weights; its own normalization loses them.
        divisor: What normalized colors are divided by beside, [3]; None for 1.
    """
    if not any(_is_replaced(layer) for layer in network.layers):
        return network

    def replaced(layer: keras.layers.Layer) -> keras.layers.Layer:
        if isinstance(layer, keras.layers.Normalization):
            mean, deviation = _statistics(layer)
            scale = 1 / (deviation * (1.0 if divisor is None else np.array(divisor)))
            return keras.layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), name=layer.name)
        config = layer.get_config()
        if _is_replaced(layer):
            for name in ("filters", "groups"):
                del config[name]
            for kind in ("initializer", "regularizer", "constraint"):
                config[f"depthwise_{kind}"] = config.pop(f"kernel_{kind}")
            return keras.layers.DepthwiseConv2D.from_config(config)
        return layer.__class__.from_config(config)

    found = keras.models.clone_model(network, clone_function=replaced)
    for old, new in zip(network.layers, found.layers, strict=True):
        if isinstance(new, keras.layers.DepthwiseConv2D) and not isinstance(old, keras.layers.DepthwiseConv2D):
            kernel, *bias = old.get_weights()
            new.set_weights([kernel.transpose(0, 1, 3, 2), *bias])
        elif not isinstance(old, keras.layers.Normalization):
            new.set_weights(old.get_weights())
    return found


def _is_replaced(layer: keras.layers.Layer) -> bool:
    if isinstance(layer, keras.layers.Normalization):
        return True
    return type(layer) is keras.layers.Conv2D and layer.groups > 1 and layer.groups == layer.filters


def _statistics(layer: keras.layers.Normalization) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the deviation of each color, [3] each."""
    layer.finalize_state()
    mean, variance = (ops.convert_to_numpy(value).astype(np.float64).ravel() for value in (layer.mean, layer.variance))
    return mean, np.maximum(np.sqrt(variance), _LEAST)
