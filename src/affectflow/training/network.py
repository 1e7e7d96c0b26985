"""A backbone with its heads, from pixels to the heads' raw numbers and outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from affectflow.core.errors import UserError
from affectflow.training import heads
from affectflow.training import network as baselines
from affectflow.training.backbones import Backbone, find_backbone

GREY_SIDE = 16
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def constant(size: int) -> keras.Model:
    """One number that is the same for every image: heads on it can learn how frequent labels are, and no more."""
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


_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_FULLY_CONNECTED = 4096  # Simonyan and Zisserman 2015, table 1
_FULLY_CONNECTED_DROPOUT = 0.5  # their section 3.1

FULLY_CONNECTED, FLAT = "fully_connected", "flat"


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """The shape of a network and what it starts from; see ``network`` in ``config/README.md``."""

    backbone: str
    input_size: int
    top: str
    pooling: str
    batch_norm: bool
    dropout: float
    l2: float
    train_layers: str
    layer_decay: float


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """A head's name, how many units it answers for, and the loss that it is trained by."""

    name: str
    units: int
    loss: str


def build_network(form: NetworkSpec, weights: Path | None, wanted: tuple[HeadSpec, ...]) -> keras.Model:
    """Pixels, RGB 0 to 255 [batch, any height, any width, 3] -> the heads' raw numbers by name.

    Scaling and normalizing are part of the network, so that no caller can get them wrong. Raises :class:`UserError`
    when a weights file does not fit, or the backbone does not take such images.
    """
    backbone = find_backbone(form.backbone)
    pixels = keras.Input((None, None, 3), name="pixels")
    scaled = keras.layers.Resizing(form.input_size, form.input_size, dtype="float32", name="scale")(pixels)
    network = _features(form, backbone, weights)
    features = network(_normalize(scaled, backbone, weights is not None))
    if form.top == FULLY_CONNECTED:
        features = _fully_connected(features)
    else:
        features = keras.layers.Dropout(form.dropout, name="dropout")(_vector(form)(features))
    raw = {head.name: _head(head, features) for head in wanted}
    model = keras.Model(pixels, raw, name=backbone.name)
    _regularise(model, form.l2)
    _freeze(model, network, form.train_layers)
    return model


def answering(network: keras.Model) -> keras.Model:
    """The same network with its heads' outputs in place of raw numbers."""
    # Nothing but Keras's own operations, so that a saved model needs no code of ours.
    return keras.Model(network.input, heads.all_outputs(network.output), name=network.name)


def _features(form: NetworkSpec, backbone: Backbone, weights: Path | None) -> keras.Model:
    if backbone.application in baselines.MAKERS:
        return baselines.MAKERS[backbone.application](form.input_size)
    make = getattr(keras.applications, backbone.application)
    shape = (form.input_size, form.input_size, 3)
    try:
        network = make(include_top=False, weights=None, input_shape=shape)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{backbone.application} cannot be built for {form.input_size} pixels ({reason}).") from None
    if weights is not None:
        if form.batch_norm:
            raise UserError(f"{weights} was trained without batch normalization; set batch_norm to false.")
        try:
            network.load_weights(weights)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{weights} holds no weights for {form.backbone} without top ({reason[:200]}).") from None
        return network
    if form.batch_norm:
        network = _with_batch_norm(network, shape)
    _prepare_random(network)
    return network


def _normalize(scaled: keras.KerasTensor, backbone: Backbone, pretrained: bool) -> keras.KerasTensor:
    """As the backbone's weights expect their pixels; where they are random, independent of exposure."""
    if backbone.scaling == "none":
        return scaled
    if not pretrained:
        return _standardise(scaled)
    if backbone.scaling == "caffe":
        offsets = [-mean for mean in _IMAGENET_MEAN_BGR]
        return keras.layers.Rescaling(1.0, offsets, dtype="float32", name="normalize")(ops.flip(scaled, axis=-1))
    if backbone.scaling == "torch":
        scales = [1 / (255 * deviation) for deviation in _IMAGENET_DEVIATION]
        offsets = [-mean / deviation for mean, deviation in zip(_IMAGENET_MEAN, _IMAGENET_DEVIATION, strict=True)]
        return keras.layers.Rescaling(scales, offsets, dtype="float32", name="normalize")(scaled)
    return keras.layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="normalize")(scaled)


def _standardise(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Each image to zero mean and unit spread, so that a network from random weights need not learn exposure."""
    mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    spread = ops.std(pixels, axis=(1, 2, 3), keepdims=True)
    return (pixels - mean) / (spread + 1.0)


def _vector(form: NetworkSpec) -> keras.layers.Layer:
    """From a map of features to one vector for each image."""
    if form.top == FLAT:
        return keras.layers.Flatten(name="flatten")
    kind = keras.layers.GlobalAveragePooling2D if form.pooling == "avg" else keras.layers.GlobalMaxPooling2D
    return kind(name="pool")


def _fully_connected(features: keras.KerasTensor) -> keras.KerasTensor:
    """The two layers of VGG's paper."""
    features = keras.layers.Flatten(name="flatten")(features)
    for name in ("fc1", "fc2"):
        features = keras.layers.Dense(_FULLY_CONNECTED, "relu", kernel_initializer="he_normal", name=name)(features)
        features = keras.layers.Dropout(_FULLY_CONNECTED_DROPOUT, name=f"{name}_dropout")(features)
    return features


def _head(head: HeadSpec, features: keras.KerasTensor) -> keras.KerasTensor:
    shape = heads.raw_shape(head.name, head.units, head.loss)
    raw = keras.layers.Dense(math.prod(shape), dtype="float32", name=head.name)(features)
    return raw if len(shape) == 1 else keras.layers.Reshape(shape, dtype="float32", name=f"{head.name}_shape")(raw)


def _with_batch_norm(network: keras.Model, shape: tuple[int, int, int]) -> keras.Model:
    """A plain chain of layers with batch normalization after every convolution (Ioffe and Szegedy 2015)."""
    if any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers):
        raise UserError(f"{network.name} has batch normalization already; set batch_norm to false.")
    inputs = keras.Input(shape)
    x = inputs
    for layer in network.layers[1:]:
        if not isinstance(layer, keras.layers.Conv2D):
            x = layer(x)
            continue
        config = {**layer.get_config(), "activation": None, "use_bias": False}
        x = keras.layers.Conv2D.from_config(config)(x)
        x = keras.layers.BatchNormalization(name=f"{layer.name}_bn")(x)
        x = keras.layers.ReLU(name=f"{layer.name}_relu")(x)
    return keras.Model(inputs, x, name=network.name)


def _prepare_random(network: keras.Model) -> None:
    """Starting values with which deep networks learn from the first step.

    Residual branches start at zero (Goyal et al. 2017, section 5.1); convolutions of chains without shortcuts start
    with He's variance (He et al. 2015).
    """
    chain = not any(isinstance(layer, (keras.layers.Add, keras.layers.Concatenate)) for layer in network.layers)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.endswith("_3_bn"):
            layer.gamma.assign(ops.zeros(layer.gamma.shape))
        elif isinstance(layer, keras.layers.Conv2D) and chain:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))


def _regularise(model: keras.Model, l2: float) -> None:
    """Half the squared norm of every kernel times ``l2`` is added to the loss, as VGG's paper does by weight decay."""
    if l2:
        for layer in every_layer(model):
            for kernel in kernels_of(layer):
                kernel.regularizer = keras.regularizers.L2(l2 / 2)


def _freeze(model: keras.Model, network: keras.Model, train_layers: str) -> None:
    if train_layers == "all":
        return
    names = [layer.name for layer in network.layers]
    if train_layers == "heads":
        first = len(names)
    elif train_layers in names:
        first = names.index(train_layers)
    else:
        raise UserError(
            f"{model.name} has no layer {train_layers!r}; set train_layers to all, heads or one of {', '.join(names)}."
        )
    for layer in network.layers[:first]:
        layer.trainable = False


def every_layer(model: keras.Model) -> list[keras.layers.Layer]:
    """In the order of computation, with those of models inside models in their place."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found.extend(every_layer(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def kernels_of(layer: keras.layers.Layer) -> list[Any]:
    """A layer's weights other than biases and normalization."""
    kernels = (getattr(layer, name, None) for name in ("kernel", "depthwise_kernel", "pointwise_kernel"))
    return [kernel for kernel in kernels if kernel is not None]


def learning_rate_factors(model: keras.Model, decay: float) -> Callable[[Any], float]:
    """For each variable, ``decay`` to the power of the number of layers with kernels above it.

    The heads have the factor 1, and so has what belongs to no layer. (Layer-wise decay, Clark et al. 2020.)
    """
    factors: dict[str, float] = {}
    depth = 0
    for layer in reversed(every_layer(model)):
        if layer.name in heads.HEADS or not layer.variables:
            continue
        depth += bool(kernels_of(layer))
        factors |= {variable.path: decay ** max(depth, 1) for variable in layer.variables}
    return lambda variable: factors.get(variable.path, 1.0)
