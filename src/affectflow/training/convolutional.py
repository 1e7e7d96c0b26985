"""Fully connected layers as convolutions of the same weights, so that a network takes images of any size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import ops

from affectflow.core.errors import UserError
from affectflow.training.heads import HEADS, all_outputs


def as_convolutions(network: keras.Model) -> keras.Model:
    """A trained network with ``top: fully_connected`` -> the same without scaling, for images of its size or larger.

    Simonyan and Zisserman 2015, section 3.2: the first fully connected layer becomes a convolution as large as the
    features, the others and the heads 1 x 1; what the heads say at each place is averaged before it is answered. On
    images of the size that the network was trained at, both answer the same. Raises :class:`UserError` for a
    network without such layers.
    """
    layers = {layer.name: layer for layer in network.layers}
    if "fc1" not in layers:
        raise UserError(f"{network.name} has no fully connected layers; set top to fully_connected to train some.")
    flatten = layers["flatten"]
    height, width, channels = flatten.input.shape[1:]
    features = keras.Model(layers["scale"].output, flatten.input)
    pixels = keras.Input((None, None, 3), name="pixels")
    trunk = _any_size(features)
    x = _convolution(layers["fc1"], (height, width, channels), "relu")(trunk(pixels))
    x = _convolution(layers["fc2"], (1, 1, layers["fc2"].input.shape[-1]), "relu")(x)
    raw = {}
    for name in HEADS:
        if name in layers:
            places = _convolution(layers[name], (1, 1, layers[name].input.shape[-1]), None)(x)
            raw[name] = keras.layers.GlobalAveragePooling2D(name=f"{name}_places")(places)
            if f"{name}_shape" in layers:
                raw[name] = layers[f"{name}_shape"](raw[name])
    return keras.Model(pixels, all_outputs(raw), name=f"{network.name}_convolutional")


def _any_size(features: keras.Model) -> keras.Model:
    """The layers up to the last feature map, for images of any size."""

    def again(model: keras.Model, inputs: keras.KerasTensor, **_: Any) -> keras.KerasTensor:
        # A model inside a model has an input of its own, which is of one size; its operations are not.
        def of_any_size(operation: Any) -> Callable[..., Any]:
            return partial(again, operation) if isinstance(operation, keras.Model) else operation

        return model._run_through_graph(inputs, operation_fn=of_any_size)

    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, again(features, inputs), name="features")


def _convolution(dense: keras.layers.Dense, shape: tuple[int, int, int], activation: str | None) -> keras.layers.Layer:
    convolution = keras.layers.Conv2D(dense.units, shape[:2], activation=activation, name=f"{dense.name}_convolution")
    convolution.build((None, None, None, shape[2]))
    convolution.kernel.assign(ops.reshape(dense.kernel, (*shape, dense.units)))
    convolution.bias.assign(dense.bias)
    return convolution
