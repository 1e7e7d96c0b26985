"""Networks of a backbone and heads, from pixels to logits and outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affectflow.core.errors import UserError
from affectflow.training import heads
from affectflow.training.backbones import Backbone, find_backbone
from affectflow.training.efficientnet_lite import lite0, lite0_middle, load_lite0
from affectflow.training.exportable_layers import with_exportable_layers
from affectflow.training.keras_setup import keras, ops

GREY_SIDE = 16
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def constant(size: int) -> keras.Model:
    """Build a baseline whose only feature is 0 for every image, so that heads learn how frequent labels are."""
    pixels = keras.Input((size, size, 3))
    return keras.Model(pixels, ops.zeros_like(pixels[:, :1, :1, :1]), name="constant")


def grey_pixels(size: int) -> keras.Model:
    """Build a baseline of 16 x 16 grey values, [batch, 16, 16, 1]; a linear head on them is logistic regression.

    Raises :class:`UserError` if ``size`` is not a multiple of 16.
    """
    if size % GREY_SIDE:
        raise UserError(f"grey_pixels cannot be built for {size} pixels; set input_size to a multiple of {GREY_SIDE}.")
    pixels = keras.Input((size, size, 3))
    grey = ops.sum(pixels * _LUMA, axis=-1, keepdims=True)
    return keras.Model(pixels, keras.layers.AveragePooling2D(size // GREY_SIDE)(grey), name="greypixels")


_BASELINES = {"Constant": constant, "GreyPixels": grey_pixels}
"""By :attr:`affectflow.training.backbones.Backbone.application`."""

_LITE = {"EfficientNetLite0": lite0, "EfficientNetLite0Middle": lite0_middle}

_IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)
_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BY_ROOT = "efficientnet"
_FULLY_CONNECTED = 4096  # Simonyan and Zisserman 2015, table 1
_FULLY_CONNECTED_DROPOUT = 0.5  # their section 3.1

FULLY_CONNECTED, FLAT = "fully_connected", "flat"


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """Architecture and regularization of a network; ``config/README.md`` describes the fields."""

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
    """A head's name, the number of AUs that it predicts, and the name of its loss."""

    name: str
    units: int
    loss: str


def build_network(spec: NetworkSpec, weights: Path | None, head_specs: tuple[HeadSpec, ...]) -> keras.Model:
    """Build a network from RGB pixels to logits by head.

    Scaling and normalization are part of the network, so that callers cannot get them wrong.

    Args:
        spec: Architecture and regularization.
        weights: File of the backbone's weights without top; None for random weights.
        head_specs: The heads to build.

    Returns:
        A model whose input is [batch, any height, any width, 3], 0 to 255.

    Raises:
        UserError: The weights do not fit the backbone, or the backbone cannot be built for ``spec``.
    """
    backbone = find_backbone(spec.backbone)
    pixels = keras.Input((None, None, 3), name="pixels")
    scaled = keras.layers.Resizing(spec.input_size, spec.input_size, dtype="float32", name="scale")(pixels)
    network = _features(spec, backbone, weights)
    features = network(_normalize(scaled, backbone, weights is not None))
    if spec.top == FULLY_CONNECTED:
        features = _fully_connected(features)
    else:
        features = keras.layers.Dropout(spec.dropout, name="dropout")(_pooling(spec)(features))
    logits = {head.name: _head(head, features) for head in head_specs}
    model = keras.Model(pixels, logits, name=backbone.name)
    _regularize(model, spec.l2)
    _freeze(model, network, spec.train_layers)
    return model


def inference_model(network: keras.Model) -> keras.Model:
    """Return a model of the same layers that outputs the heads' predictions in place of logits."""
    # All operations are Keras's own, so that the saved model loads without this package.
    return keras.Model(network.input, heads.all_outputs(network.output), name=network.name)


def _features(spec: NetworkSpec, backbone: Backbone, weights: Path | None) -> keras.Model:
    if backbone.application in _BASELINES:
        return _BASELINES[backbone.application](spec.input_size)
    if backbone.application in _LITE:
        network = _LITE[backbone.application](spec.input_size)
        if weights is not None:
            load_lite0(network, weights)
        return network
    make = getattr(keras.applications, backbone.application)
    shape = (spec.input_size, spec.input_size, 3)
    try:
        network = make(include_top=False, weights=None, input_shape=shape)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{backbone.application} cannot be built for {spec.input_size} pixels ({reason}); "
            "set input_size to another value."
        ) from None
    if weights is not None:
        if spec.batch_norm:
            raise UserError(f"{weights} was trained without batch normalization; set batch_norm to false.")
        try:
            network.load_weights(weights)
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{weights} holds no weights for {spec.backbone} without top ({reason[:200]}).") from None
        roots = tuple(math.sqrt(deviation) for deviation in _IMAGENET_DEVIATION)
        return with_exportable_layers(network, roots if backbone.scaling == _BY_ROOT else None)
    if spec.batch_norm:
        network = _with_batch_norm(network, shape)
    _initialize(network)
    return with_exportable_layers(network)


def _normalize(scaled: keras.KerasTensor, backbone: Backbone, pretrained: bool) -> keras.KerasTensor:
    """Normalize pixels as the pretrained weights expect; standardize each image if weights are random."""
    if backbone.scaling in ("none", _BY_ROOT):
        return scaled
    if not pretrained:
        return _standardize(scaled)
    if backbone.scaling == "caffe":
        offsets = [-mean for mean in _IMAGENET_MEAN_BGR]
        return keras.layers.Rescaling(1.0, offsets, dtype="float32", name="normalize")(ops.flip(scaled, axis=-1))
    if backbone.scaling == "torch":
        scales = [1 / (255 * deviation) for deviation in _IMAGENET_DEVIATION]
        offsets = [-mean / deviation for mean, deviation in zip(_IMAGENET_MEAN, _IMAGENET_DEVIATION, strict=True)]
        return keras.layers.Rescaling(scales, offsets, dtype="float32", name="normalize")(scaled)
    return keras.layers.Rescaling(1 / 127.5, -1.0, dtype="float32", name="normalize")(scaled)


def _standardize(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Bring each image to zero mean and unit standard deviation, which removes differences of exposure."""
    mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
    deviation = ops.std(pixels, axis=(1, 2, 3), keepdims=True)
    return (pixels - mean) / (deviation + 1.0)


def _pooling(spec: NetworkSpec) -> keras.layers.Layer:
    """Return the layer from a feature map to one vector per image."""
    if spec.top == FLAT:
        return keras.layers.Flatten(name="flatten")
    kind = keras.layers.GlobalAveragePooling2D if spec.pooling == "avg" else keras.layers.GlobalMaxPooling2D
    return kind(name="pool")


def _fully_connected(features: keras.KerasTensor) -> keras.KerasTensor:
    """Add the two fully connected layers of VGG (Simonyan and Zisserman 2015)."""
    features = keras.layers.Flatten(name="flatten")(features)
    for name in ("fc1", "fc2"):
        features = keras.layers.Dense(_FULLY_CONNECTED, "relu", kernel_initializer="he_normal", name=name)(features)
        features = keras.layers.Dropout(_FULLY_CONNECTED_DROPOUT, name=f"{name}_dropout")(features)
    return features


def _head(head: HeadSpec, features: keras.KerasTensor) -> keras.KerasTensor:
    shape = heads.logits_shape(head.name, head.units, head.loss)
    logits = keras.layers.Dense(math.prod(shape), dtype="float32", name=head.name)(features)
    if len(shape) == 1:
        return logits
    return keras.layers.Reshape(shape, dtype="float32", name=f"{head.name}_shape")(logits)


def _with_batch_norm(network: keras.Model, shape: tuple[int, int, int]) -> keras.Model:
    """Insert batch normalization after every convolution of a sequential network (Ioffe and Szegedy 2015)."""
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


def _initialize(network: keras.Model) -> None:
    """Set initial weights with which deep networks train from the first step.

    Residual branches start at zero (Goyal et al. 2017, section 5.1); convolutions of networks without shortcuts start
    with He's variance (He et al. 2015).
    """
    sequential = not any(isinstance(layer, (keras.layers.Add, keras.layers.Concatenate)) for layer in network.layers)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and layer.name.endswith("_3_bn"):
            layer.gamma.assign(ops.zeros(layer.gamma.shape))
        elif isinstance(layer, keras.layers.Conv2D) and sequential:
            layer.kernel.assign(keras.initializers.HeNormal()(layer.kernel.shape))


def _regularize(model: keras.Model, l2: float) -> None:
    """Add ``l2`` times half the squared norm of every kernel to the loss, as VGG's paper does by weight decay."""
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
    """Return all layers in the order of computation, with nested models replaced by their layers."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found.extend(every_layer(layer) if isinstance(layer, keras.Model) else [layer])
    return found


def kernels_of(layer: keras.layers.Layer) -> list[Any]:
    """Return a layer's weights other than biases and normalization."""
    kernels = (getattr(layer, name, None) for name in ("kernel", "depthwise_kernel", "pointwise_kernel"))
    return [kernel for kernel in kernels if kernel is not None]


def learning_rate_factors(model: keras.Model, decay: float) -> Callable[[Any], float]:
    """Return a function from a variable to its learning rate factor, for layer-wise learning rate decay.

    The factor is ``decay`` to the power of the number of layers with kernels above the variable's layer; it is 1 for
    the heads and for variables outside of layers (Clark et al. 2020, "ELECTRA").

    Args:
        model: The network with its heads.
        decay: Above 0, and at most 1.
    """
    factors: dict[str, float] = {}
    depth = 0
    for layer in reversed(every_layer(model)):
        if layer.name in heads.HEADS or not layer.variables:
            continue
        depth += bool(kernels_of(layer))
        factors |= {variable.path: decay ** max(depth, 1) for variable in layer.variables}
    return lambda variable: factors.get(variable.path, 1.0)
