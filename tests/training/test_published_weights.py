"""Backbones with weights as Keras publishes them, beside Keras's own loader of the same file; and their exports."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from tests.model_json import model_json
from tests.training.test_network import FORM, HEADS, images

keras = pytest.importorskip("keras")

from affectflow.training.export import export
from affectflow.training.exportable_layers import with_exportable_layers
from affectflow.training.network import build_network
from affectflow.training.saving import save_model

IMAGENET = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
FAMILIES = [
    ("VGG16", 32),
    ("ResNet50", 32),
    ("MobileNet", 32),
    ("MobileNetV3Small", 32),
    ("DenseNet121", 32),
    ("EfficientNetB0", 32),
    ("EfficientNetV2B0", 32),
    ("ConvNeXtTiny", 32),
]
"""One or two for each way in which pixels are scaled, by the network or before."""
QUICK = ("MobileNetV3Small", "EfficientNetB0")
each_family = pytest.mark.parametrize(
    "name, size",
    [pytest.param(*one, marks=() if one[0] in QUICK else pytest.mark.long, id=one[0]) for one in FAMILIES],
)


def publish(name: str, size: int, path: Path) -> None:
    """Weights that are nobody's, in the kind of file that Keras publishes."""
    keras.utils.set_random_seed(0)
    network = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(size, size, 3))
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.variables:
                low, high = (0.5, 1.5) if "variance" in variable.name or "gamma" in variable.name else (-0.3, 0.3)
                variable.assign(rng.uniform(low, high, variable.shape))
        elif isinstance(layer, keras.layers.Normalization) and layer.get_weights():
            layer.set_weights([np.float32(IMAGENET[0]), np.float32(IMAGENET[1]), np.array(0)])
    network.save(path)


def by_keras(
    name: str, size: int, path: Path, pixels: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> NDArray[np.float32]:
    from keras.src.utils import file_utils

    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(path))
    make = getattr(keras.applications, name)
    network = make(include_top=False, weights="imagenet", input_shape=(size, size, 3))
    scaled = sys.modules[make.__module__].preprocess_input(pixels.copy())
    return np.asarray(network(scaled, training=False))


@each_family
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_features_are_those_of_keras_with_the_same_file(
    name: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "published.h5"
    publish(name, size, path)
    pixels = images(3, size)
    expected = by_keras(name, size, path, pixels, monkeypatch)
    network = build_network(replace(FORM, backbone=name, input_size=size), path, HEADS)
    found = np.asarray(keras.Model(network.input, network.get_layer("pool").input)(pixels, training=False))
    spread = np.std(expected)
    assert spread > 1e-6
    assert np.abs(found - expected).max() < 1e-3 * spread


def test_layers_that_onnx_lacks_are_exported(tmp_path: Path) -> None:
    """Normalization with constants, grouped convolutions and GELU, as in EfficientNet and ConvNeXt.

    A small network stands for these, whose export takes gigabytes. The export compares the outputs itself.
    """
    keras.utils.set_random_seed(0)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Normalization(mean=[100.0, 120.0, 140.0], variance=[900.0, 1600.0, 2500.0])(image)
    x = keras.layers.Conv2D(8, 3, padding="same")(x)
    x = keras.layers.Conv2D(8, 5, padding="same", groups=8, name="grouped")(x)
    backbone = keras.Model(image, keras.layers.Activation("gelu")(x), name="backbone")
    replaced = with_exportable_layers(backbone)
    pixels = images(3, 32)
    before, after = (np.asarray(network(pixels, training=False)) for network in (backbone, replaced))
    assert np.abs(before - after).max() < 1e-5 * np.std(before) + 1e-5
    any_size = keras.Input((None, None, 3))
    features = keras.layers.GlobalAveragePooling2D()(replaced(keras.layers.Resizing(32, 32)(any_size)))
    heads = {"action_units": keras.layers.Dense(5, "sigmoid", name="action_units")(features)}
    save_model(keras.Model(any_size, heads), tmp_path / "model.keras")
    model_json(tmp_path / "model.json", units=(1, 2, 4, 5, 6))
    export(tmp_path / "model.keras", tmp_path / "model.json", tmp_path / "saved_model", tmp_path / "model.onnx")
    operations = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert "Erf" in operations and "Erfc" not in operations


@pytest.fixture(autouse=True)
def memory_is_given_back() -> Iterator[None]:
    yield
    keras.backend.clear_session()
    gc.collect()
