"""Training on small records: that it learns, only from its labels, and the same way each time."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from affectflow.measures.ranking import roc_auc
from tests.conftest import ROOT
from tests.training.conftest import patch_samples

pytest.importorskip("tensorflow")

Write = Callable[..., list[Path]]

_PROGRAM = """
import json, sys
from pathlib import Path
from affectflow.errors import one_sentence
from affectflow.training.train import Recipe, train
arguments = json.loads(sys.argv[1])
with one_sentence():
    train(
        Recipe.of(arguments["recipe"], None), [Path(p) for p in arguments["train"]],
        [Path(p) for p in arguments["validation"]], 40, True, 2,
        *(Path(arguments["out"], name) for name in ("model.keras", "history.csv", "model.json")),
    )
"""
_RECIPE = {
    "backbone": "resnet50",
    "input_size": 32,
    "dropout": 0.0,
    "heads": ["action_units", "valence_arousal"],
    "units": list(range(1, 61)),
    "seed": 1,
    "epochs": 3,
    "patience": 3,
    "batch_size": 16,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "weight_decay": 0.0,
    "warmup_fraction": 0.1,
    "positive_weight_cap": 4.0,
    "valence_arousal_weight": 0.5,
    "augmentation": {"flip": True, "crop": 0.05, "brightness": 0.05, "contrast": 0.1, "saturation": 0.1},
}


def _train(out: Path, train: list[Path], validation: list[Path], **changes: object) -> subprocess.CompletedProcess[str]:
    """Train in a process of its own, as the workflow does: determinism is set for a whole process."""
    arguments = {
        "recipe": _RECIPE | changes,
        "train": [str(path) for path in train],
        "validation": [str(path) for path in validation],
        "out": str(out),
    }
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(arguments)], capture_output=True, text=True, timeout=600
    )


def _answers(folder: Path, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a unit on new pictures."""
    import keras

    card = json.loads((folder / "model.json").read_text())
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    samples = patch_samples(200, seed=99)
    pixels = np.stack([sample.image.rgb() for sample in samples])
    outputs = np.asarray(model(pixels, training=False)["action_units"])
    return np.array([s.units[unit - 1] == 1 for s in samples]), outputs[:, card["units"].index(unit)]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, records: Write) -> Path:
    out = tmp_path_factory.mktemp("learnt")
    result = _train(out, records("train", 640, 1), records("validation", 100, 2))
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def test_learns_what_is_there(learnt: Path) -> None:
    for unit in (4, 12):
        assert roc_auc(*_answers(learnt, unit)) > 0.9


def test_units_without_positives_are_not_taught(learnt: Path) -> None:
    card = json.loads((learnt / "model.json").read_text())
    assert card["units"] == [4, 12]
    assert set(card["thresholds"]) == {"AU4", "AU12"}


def test_only_the_wanted_units_are_taught(tmp_path: Path, records: Write) -> None:
    result = _train(tmp_path, records("few", 64, 1), records("validation", 100, 2), units=[2, 12, 25], epochs=1)
    assert result.returncode == 0, result.stderr[-3000:]
    assert json.loads((tmp_path / "model.json").read_text())["units"] == [12]


def test_history_has_a_line_an_epoch(learnt: Path) -> None:
    rows = list(csv.DictReader((learnt / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert rows[0]["validation_arousal_ccc"] == ""  # arousal is never labelled


def test_shuffled_labels_teach_nothing(tmp_path: Path, records: Write) -> None:
    result = _train(tmp_path, records("shuffled", 640, 1, True), records("validation", 100, 2))
    assert result.returncode == 0, result.stderr[-3000:]
    truth, probability = _answers(tmp_path, 12)
    # Hardly a difference between positives and negatives: at 0.5 it answers as by the base rate.
    assert abs(probability[truth].mean() - probability[~truth].mean()) < 0.2


def test_same_recipe_gives_the_same_bytes(tmp_path: Path, records: Write) -> None:
    digests = set()
    for name in ("one", "other"):
        result = _train(tmp_path / name, records("train", 640, 1)[:1], records("validation", 100, 2), epochs=1)
        assert result.returncode == 0, result.stderr[-3000:]
        files = ("model.keras", "history.csv", "model.json")
        digests.add(tuple(hashlib.sha256((tmp_path / name / file).read_bytes()).hexdigest() for file in files))
    assert len(digests) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimiser_takes_steps(optimizer: str) -> None:
    import keras

    from affectflow.training.optimisers import make_optimiser

    variable = keras.Variable([1.0])
    made = make_optimiser(optimizer, 0.1, 0.01, warmup_fraction=0.2, steps=10)
    made.build([variable])
    for _ in range(5):
        made.apply([np.array([1.0], np.float32)])
    assert float(variable.numpy()[0]) < 1.0


def test_imagenet_weights_are_read_in_the_layout_that_keras_publishes(tmp_path: Path) -> None:
    """The published files are of Keras 2's layout, which Keras tells by the file's name."""
    import keras

    from affectflow.plan import Plan
    from affectflow.training.model import build_model

    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    config["models"]["resnet"]["weights"] = "imagenet"
    name = Plan(config).weights("resnet")
    assert name is not None
    network = keras.applications.ResNet50(include_top=False, weights=None)
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    path = tmp_path / Path(name).name
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    model = build_model("resnet50", path, 64, 0.0, 3, ("action_units",))
    loaded = model.get_layer("resnet50").get_layer("conv1_conv").kernel
    assert np.array_equal(np.asarray(loaded), np.asarray(network.get_layer("conv1_conv").kernel))


def test_a_loss_that_is_no_number_is_one_sentence(tmp_path: Path, records: Write) -> None:
    result = _train(tmp_path, records("few", 64, 5), records("validation", 100, 2), learning_rate=1e30, epochs=1)
    assert result.returncode == 1
    assert "lower its learning rate" in result.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("*"))


@pytest.mark.parametrize("backbone", ["vgg16", "inception_resnet_v2"])
def test_other_backbones_build_and_answer(backbone: str) -> None:
    from affectflow.training.model import build_model

    model = build_model(backbone, None, 75, 0.1, 5, ("action_units", "valence_arousal"))
    outputs = model(np.zeros((2, 60, 60, 3), np.uint8), training=False)
    assert outputs["action_units"].shape == (2, 5)
    assert outputs["valence_arousal"].shape == (2, 2)
