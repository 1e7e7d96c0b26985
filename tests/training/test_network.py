"""Networks: any backbone, the tops, what trains and how fast."""

from __future__ import annotations

import csv
import inspect
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from affectflow.core.errors import UserError
from affectflow.training import backbones
from affectflow.training.backbones import find_backbone
from affectflow.training.heads import all_outputs
from affectflow.training.network import (
    HeadSpec,
    NetworkSpec,
    build_network,
    every_layer,
    inference_model,
    kernels_of,
    learning_rate_factors,
)
from affectflow.training.optimizers import make_optimizer
from affectflow.training.saving import save_model
from tests.training.processes import Stranger

FORM = NetworkSpec("vgg16", 32, "pooled", "avg", False, 0.1, 0.0, "all", 1.0)
HEADS = (
    HeadSpec("action_units", 5, "cross_entropy"),
    HeadSpec("intensities", 3, "ordinal"),
    HeadSpec("valence_arousal", 0, "ccc_bins"),
)


def images(count: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "backbone, size", [("vgg16", 32), ("ResNet50V2", 40), ("inception_resnet_v2", 75), ("EfficientNetB0", 32)]
)
def test_backbones_build_and_predict(backbone: str, size: int) -> None:
    model = inference_model(build_network(replace(FORM, backbone=backbone, input_size=size), None, HEADS))
    outputs = model(np.zeros((2, 60, 61, 3), np.uint8), training=False)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "action_units": (2, 5),
        "intensities": (2, 3),
        "valence_arousal": (2, 2),
    }


def test_a_backbone_that_is_not_there_and_one_that_cannot_be_so_small() -> None:
    with pytest.raises(UserError, match="did you mean ResNet50"):
        find_backbone("resnet5")
    with pytest.raises(UserError, match="InceptionResNetV2 cannot be built for 40 pixels"):
        build_network(replace(FORM, backbone="inception_resnet_v2", input_size=40), None, HEADS)


def test_the_table_is_what_keras_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras is asked for its weights, and what it would fetch is compared."""

    class Asked(Exception):
        pass

    from keras.src.utils import file_utils

    signature = inspect.signature(file_utils.get_file)

    def asked(*arguments: object, **keywords: object) -> None:
        raise Asked(signature.bind(*arguments, **keywords).arguments)

    monkeypatch.setattr(file_utils, "get_file", asked)
    pixel = np.array([[[[10.0, 100.0, 200.0]]]], np.float32)
    kinds = {
        "none": pixel,
        "efficientnet": pixel,  # and by the network; see test_published_weights.py
        "tf": pixel / 127.5 - 1,
        "caffe": pixel[..., ::-1] - [103.939, 116.779, 123.68],
        "torch": (pixel / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    }
    with (Path(backbones.__file__).with_name("backbones.csv")).open() as stream:
        names = [row["name"] for row in csv.DictReader(line for line in stream if not line.startswith("#"))]
    assert len(names) > 30
    for backbone in map(find_backbone, names):
        if backbone.wheel:
            continue  # not of keras.applications; see test_efficientnet_lite.py
        make = getattr(keras.applications, backbone.application)
        scaled = np.asarray(sys.modules[make.__module__].preprocess_input(pixel.copy()))
        assert np.allclose(scaled, kinds[backbone.scaling], atol=1e-4), backbone.application
        if backbone.application not in ("VGG16", "ResNet50", "InceptionResNetV2", "MobileNet", "EfficientNetB0"):
            continue  # each takes seconds to build
        with pytest.raises(Asked) as caught:
            make(include_top=False, weights="imagenet")
        wanted = caught.value.args[0]
        assert wanted["origin"] == f"https://storage.googleapis.com/{backbone.weights}"
        assert (wanted.get("file_hash") or "") == backbone.digest
        assert backbone.algorithm == ("sha256" if len(backbone.digest) == 64 else "md5")


def as_convolutions(network: keras.Model) -> keras.Model:
    """Express the fully connected layers as convolutions of the same weights, for images of any size.

    Simonyan and Zisserman 2015, section 3.2: the first layer becomes a convolution as large as the feature map, the
    others and the heads 1 x 1; logits of all positions are averaged. The network's input is not rescaled.
    """
    vgg, flatten = network.get_layer("vgg16"), network.get_layer("flatten")

    def convolution(name: str, shape: tuple[int, ...], inputs: keras.KerasTensor) -> keras.KerasTensor:
        dense = network.get_layer(name)
        layer = keras.layers.Conv2D(dense.units, shape[:2], activation=dense.activation)
        outputs = layer(inputs)
        kernel, bias = dense.get_weights()
        layer.set_weights([kernel.reshape(*shape, dense.units), bias])
        return outputs

    any_size = keras.applications.VGG16(include_top=False, weights=None)
    any_size.set_weights(vgg.get_weights())
    pixels = keras.Input((None, None, 3))
    mean, deviation = (of(pixels, axis=(1, 2, 3), keepdims=True) for of in (keras.ops.mean, keras.ops.std))
    x = any_size((pixels - mean) / (deviation + 1))
    x = convolution("fc1", flatten.input.shape[1:], x)
    x = convolution("fc2", (1, 1, x.shape[-1]), x)
    logits = {}
    for head in HEADS:
        logits[head.name] = keras.layers.GlobalAveragePooling2D()(convolution(head.name, (1, 1, x.shape[-1]), x))
        if f"{head.name}_shape" in {layer.name for layer in network.layers}:
            logits[head.name] = network.get_layer(f"{head.name}_shape")(logits[head.name])
    return keras.Model(pixels, all_outputs(logits))


def test_fully_connected_layers_equal_convolutions_of_the_same_weights() -> None:
    network = build_network(replace(FORM, top="fully_connected", input_size=64), None, HEADS)
    for layer in every_layer(network):
        if kernels_of(layer) and layer.bias is not None:  # of a network that has learnt something
            layer.bias.assign(np.random.default_rng(1).normal(0, 0.1, layer.bias.shape))
    convolutional = as_convolutions(network)
    expected, outputs = inference_model(network)(images(3, 64)), convolutional(images(3, 64))
    for head, value in expected.items():
        assert np.abs(np.asarray(value) - np.asarray(outputs[head])).max() <= 1e-5
        assert np.asarray(value).std() > 1e-4
    for side in (96, 100):
        assert convolutional(images(2, side))["action_units"].shape == (2, 5)


def test_both_kernels_of_a_separable_convolution_are_kept_small() -> None:
    network = build_network(replace(FORM, backbone="Xception", input_size=71, l2=5e-4), None, HEADS)
    layers = [layer for layer in every_layer(network) if isinstance(layer, keras.layers.SeparableConv2D)]
    assert layers and all(layer.depthwise_kernel.regularizer and layer.pointwise_kernel.regularizer for layer in layers)


def test_vgg_as_in_its_paper() -> None:
    network = build_network(replace(FORM, top="fully_connected", l2=5e-4), None, HEADS)
    rates = [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.5, 0.5]
    squares = sum(float(np.sum(np.square(kernel))) for x in every_layer(network) for kernel in kernels_of(x))
    network(images(1, 32))
    assert sum(float(loss) for loss in network.losses) == pytest.approx(5e-4 / 2 * squares, rel=1e-4)


def test_batch_normalization_is_for_plain_chains() -> None:
    network = build_network(replace(FORM, batch_norm=True), None, HEADS)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in every_layer(network)) == 13
    with pytest.raises(UserError, match=r"w\.h5 was trained without batch normalization"):
        build_network(replace(FORM, batch_norm=True), Path("w.h5"), HEADS)
    with pytest.raises(UserError, match="has batch normalization already"):
        build_network(replace(FORM, backbone="resnet50", batch_norm=True), None, HEADS)


def test_only_the_wanted_layers_train() -> None:
    def trained(train_layers: str) -> set[str]:
        network = build_network(replace(FORM, train_layers=train_layers), None, HEADS)
        return {variable.path.split("/")[-2] for variable in network.trainable_variables}

    heads = {head.name for head in HEADS}
    assert trained("heads") == heads
    assert trained("block5_conv2") == heads | {"block5_conv2", "block5_conv3"}
    assert len(trained("all")) == 13 + len(heads)
    with pytest.raises(UserError, match="no layer 'block9'; set train_layers"):
        trained("block9")


def test_layers_further_from_the_heads_learn_more_slowly() -> None:
    network = build_network(FORM, None, HEADS)
    factor = learning_rate_factors(network, 0.5)
    by_layer = {variable.path.split("/")[-2]: factor(variable) for variable in network.trainable_variables}
    assert by_layer["action_units"] == by_layer["valence_arousal"] == 1
    assert by_layer["block5_conv3"] == 0.5 and by_layer["block5_conv2"] == 0.25
    assert by_layer["block1_conv1"] == pytest.approx(0.5**13)
    near, far = network.get_layer("action_units").kernel, network.get_layer("vgg16").get_layer("block5_conv3").kernel
    before = [np.array(variable) for variable in (near, far)]
    optimizer = make_optimizer("adam", 0.01, 0.0, 0.0, 10, factor=factor)
    optimizer.build([near, far])
    optimizer.apply([np.ones(variable.shape, np.float32) for variable in (near, far)])
    moved = [float(np.abs(np.array(now) - was).mean()) for now, was in zip((near, far), before, strict=True)]
    assert moved[1] == pytest.approx(moved[0] / 2, rel=1e-3)


@pytest.mark.parametrize("loss", ["ordinal", "squared_error"])
def test_a_saved_model_needs_none_of_our_code(tmp_path: Path, loss: str, stranger: Stranger) -> None:
    wanted = (HEADS[0], HeadSpec("intensities", 3, loss), HEADS[2])
    model = inference_model(build_network(FORM, None, wanted))
    save_model(model, tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", images(2, 32))
    program = (
        "import keras, numpy as np\n"
        f"m = keras.saving.load_model(r'{tmp_path}/model.keras'); y = m(np.load(r'{tmp_path}/x.npy'), training=False)\n"
        f"np.savez(r'{tmp_path}/y.npz', **{{k: np.asarray(v) for k, v in y.items()}})"
    )
    stranger.run(program)
    for head, value in model(images(2, 32), training=False).items():
        assert np.allclose(np.load(tmp_path / "y.npz")[head], np.asarray(value), atol=1e-6)
