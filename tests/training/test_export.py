"""SavedModel and ONNX, compared with the model by programs that do not import this package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affectflow.core.errors import UserError
from tests.model_json import model_json, values
from tests.training.processes import Stranger
from tests.training.test_network import FORM, HEADS, images

keras = pytest.importorskip("keras")

from affectflow.training.export import export
from affectflow.training.network import HeadSpec, build_network, every_layer, inference_model
from affectflow.training.saving import save_model

_OTHERS = """
import sys
import numpy as np
folder, form = sys.argv[1:]
pixels = np.load(f"{folder}/pixels.npy")
if form == "onnx":
    import onnxruntime
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, {"pixels": pixels})))
    with open(f"{folder}/card.json", "w") as stream:
        stream.write(session.get_modelmeta().custom_metadata_map["affectflow"])
else:
    import tensorflow as tf
    found = tf.saved_model.load(f"{folder}/saved_model").signatures["serving_default"](tf.constant(pixels))
np.savez(f"{folder}/{form}.npz", **{name: np.asarray(value) for name, value in found.items()})
"""


def _trained(backbone: str, size: int, wanted: tuple[HeadSpec, ...]) -> keras.Model:
    """A network whose every variable has learnt something, batch normalization's too."""
    keras.utils.set_random_seed(0)
    top = "flat" if backbone == "grey_pixels" else "pooled"
    network = build_network(replace(FORM, backbone=backbone, input_size=size, top=top), None, wanted)
    rng = np.random.default_rng(0)
    for layer in every_layer(network):
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.variables:
                low, high = (0.5, 1.5) if "variance" in variable.name or "gamma" in variable.name else (-0.3, 0.3)
                variable.assign(rng.uniform(low, high, variable.shape))
    return inference_model(network)


@pytest.mark.parametrize(
    "backbone, size, intensity_loss",
    [
        pytest.param("vgg16", 32, "ordinal", marks=pytest.mark.long),
        pytest.param("resnet50", 40, "squared_error", marks=pytest.mark.long),
        pytest.param("inception_resnet_v2", 75, "ordinal", marks=pytest.mark.long),
        ("MobileNetV3Small", 32, "ordinal"),
        ("grey_pixels", 32, "ordinal"),
    ],
)
def test_exports_predict_as_the_model_does(
    tmp_path: Path, stranger: Stranger, backbone: str, size: int, intensity_loss: str
) -> None:
    model = _trained(backbone, size, (HEADS[0], HeadSpec("intensities", 3, intensity_loss), HEADS[2]))
    save_model(model, tmp_path / "model.keras")
    model_json(tmp_path / "model.json", units=(1, 2, 4, 5, 6))
    export(tmp_path / "model.keras", tmp_path / "model.json", tmp_path / "saved_model", tmp_path / "model.onnx")
    pixels = images(5, 64).astype(np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    expected = {head: np.asarray(value) for head, value in model(pixels.astype(np.float32), training=False).items()}
    for form in ("onnx", "saved_model"):
        stranger.run(_OTHERS, str(tmp_path), form)
        found = np.load(tmp_path / f"{form}.npz")
        assert set(found) == set(expected) == {"action_units", "intensities", "valence_arousal"}
        for head, value in expected.items():
            assert value.std() > 1e-3  # else anything would agree
            assert np.abs(found[head] - value).max() <= 1e-4, (form, head)
    assert json.loads((tmp_path / "card.json").read_text()) == values(units=(1, 2, 4, 5, 6))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_the_guides_example(tmp_path: Path, stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs/guides/predicting.md").read_text()
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", guide, re.S) if "onnxruntime" in block)
    model = _trained("grey_pixels", 32, HEADS[:1])
    folder = tmp_path / "my-study/results/models/resnet"
    folder.mkdir(parents=True)
    save_model(model, folder / "model.keras")
    model_json(folder / "model.json", units=(1, 2, 4, 5, 6))
    export(folder / "model.keras", folder / "model.json", folder / "saved_model", folder / "model.onnx")
    pixels = images(1, json.loads((folder / "model.json").read_text())["image_size"]).astype(np.uint8)
    Image.fromarray(pixels[0]).save(tmp_path / "photo.jpg", "PNG")  # whose pixels are as they were
    words = [sys.executable, "-c", example]
    result = subprocess.run(words, cwd=tmp_path / "my-study", capture_output=True, text=True, timeout=60)
    expected = np.asarray(model(pixels.astype(np.float32), training=False)["action_units"])[0].round(2)
    assert result.stdout == f"action_units {expected}\n", result.stderr


def test_an_export_with_other_outputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from affectflow.training import export as module

    save_model(_trained("grey_pixels", 32, HEADS[:1]), tmp_path / "model.keras")
    (tmp_path / "model.json").write_text("{}")
    right = module._onnx

    def wrong(path: Path) -> module.Predict:
        predict = right(path)
        return lambda pixels: {head: value + 2e-4 for head, value in predict(pixels).items()}

    monkeypatch.setattr(module, "_onnx", wrong)
    with pytest.raises(UserError, match=r"ONNX export of .* differs by 0\.0002 for action_units"):
        export(tmp_path / "model.keras", tmp_path / "model.json", tmp_path / "saved_model", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
