"""Networks: any backbone, the tops, what trains and how fast."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.training.backbones import all_backbones, find_backbone
from affectflow.training.convolutional import as_convolutions
from affectflow.training.network import (
    HeadSpec,
    NetworkSpec,
    answering,
    build_network,
    every_layer,
    kernels_of,
    learning_rate_factors,
)
from affectflow.training.optimizers import make_optimizer
from affectflow.training.saving import save_model

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
def test_backbones_build_and_answer(backbone: str, size: int) -> None:
    model = answering(build_network(replace(FORM, backbone=backbone, input_size=size), None, HEADS))
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
        "tf": pixel / 127.5 - 1,
        "caffe": pixel[..., ::-1] - [103.939, 116.779, 123.68],
        "torch": (pixel / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    }
    for backbone in all_backbones():
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


def test_fully_connected_layers_are_convolutions_of_the_same_weights(tmp_path: Path) -> None:
    network = build_network(replace(FORM, top="fully_connected", input_size=64), None, HEADS)
    for layer in every_layer(network):
        if kernels_of(layer) and layer.bias is not None:  # of a network that has learnt something
            layer.bias.assign(np.random.default_rng(1).normal(0, 0.1, layer.bias.shape))
    convolutional = as_convolutions(network)
    same, other = answering(network)(images(3, 64)), convolutional(images(3, 64))
    for head, value in same.items():
        assert np.abs(np.asarray(value) - np.asarray(other[head])).max() <= 1e-5
        assert np.asarray(value).std() > 1e-4
    for side in (96, 100):
        assert convolutional(images(2, side))["action_units"].shape == (2, 5)
    save_model(answering(network), tmp_path / "model.keras")
    main(["convolutional", str(tmp_path / "model.keras"), "--out", str(tmp_path / "any.keras")])
    saved = keras.saving.load_model(tmp_path / "any.keras", compile=False)(images(2, 96))
    assert np.allclose(saved["action_units"], convolutional(images(2, 96))["action_units"], atol=1e-6)
    with pytest.raises(UserError, match="no fully connected layers"):
        as_convolutions(build_network(FORM, None, HEADS))


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
def test_a_saved_model_needs_none_of_our_code(tmp_path: Path, loss: str) -> None:
    import subprocess

    wanted = (HEADS[0], HeadSpec("intensities", 3, loss), HEADS[2])
    model = answering(build_network(FORM, None, wanted))
    save_model(model, tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", images(2, 32))
    program = (
        "import sys; sys.modules['affectflow'] = None; import keras, numpy as np\n"
        f"m = keras.saving.load_model(r'{tmp_path}/model.keras'); y = m(np.load(r'{tmp_path}/x.npy'), training=False)\n"
        f"np.savez(r'{tmp_path}/y.npz', **{{k: np.asarray(v) for k, v in y.items()}})"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
    for head, value in model(images(2, 32), training=False).items():
        assert np.allclose(np.load(tmp_path / "y.npz")[head], np.asarray(value), atol=1e-6)
