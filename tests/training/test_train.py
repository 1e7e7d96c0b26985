"""Training on small records: that it learns, only from its labels, and the same way each time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from affectflow.config import load
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.metrics.ranking import roc_auc
from affectflow.report.card import write_card
from affectflow.report.reliability import reliability_panels
from tests.conftest import DEMO
from tests.training.conftest import patch_samples
from tests.training.processes import outcome, run_training

pytest.importorskip("tensorflow")

Write = Callable[..., list[Path]]
QUICK = {"backbone": "Small", "epochs": 1}


def _predict(folder: Path, unit: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a unit on new images."""
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
    result = run_training(out, records("train", 640, 1), records("validation", 100, 2), backbone="Small")
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def test_learns_what_is_there(learnt: Path) -> None:
    for unit in (4, 12):
        assert roc_auc(*_predict(learnt, unit)) > 0.9


def test_units_without_positives_are_not_trained(learnt: Path) -> None:
    card = json.loads((learnt / "model.json").read_text())
    assert card["units"] == [4, 12]
    assert set(card["thresholds"]) == {"AU4", "AU12"}


def test_only_the_wanted_units_are_trained(tmp_path: Path, records: Write) -> None:
    result = run_training(tmp_path, records("few", 64, 1), records("validation", 100, 2), units=[2, 12, 25], **QUICK)
    assert result.returncode == 0, result.stderr[-3000:]
    assert json.loads((tmp_path / "model.json").read_text())["units"] == [12]


def test_history_has_a_line_an_epoch(learnt: Path) -> None:
    rows = list(csv.DictReader((learnt / "history.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert rows[0]["validation_arousal_ccc"] == ""  # arousal is never labelled


def test_the_card_says_what_the_model_is(learnt: Path, tmp_path: Path) -> None:
    write_card(learnt / "model.json", "patches", tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text()
    card = json.loads((learnt / "model.json").read_text())
    assert text.startswith("# patches\n\n**Trained on faces drawn by affectflow")
    assert "640 images to train on; 100 for stopping" in text
    row = next(line for line in text.splitlines() if line.startswith("| AU12 "))
    assert f"| {card['positives']['AU12']} | {card['negatives']['AU12']} |" in row
    assert f"{card['validation']['validation_auc_AU12']:.3f}" in row and f"{card['thresholds']['AU12']:.3g}" in row
    assert "| learning_rate | `0.001` |" in text and "fit for decisions about people" in text


def test_probabilities_are_calibrated_and_decisions_stay(learnt: Path) -> None:
    card = json.loads((learnt / "model.json").read_text())
    assert set(card["calibration"]) == set(card["validation_thresholds"]) == {"AU4", "AU12"}
    assert any(abs(one["scale"] - 1) > 0.01 for one in card["calibration"].values())
    for unit, one in card["calibration"].items():
        assert card["thresholds"][unit] == pytest.approx(1 / (1 + np.exp(-one["shift"])), abs=1e-5)
    rows = list(csv.DictReader((learnt / "reliability.csv").open()))
    for calibrated in ("true", "false"):
        images = [int(row["images"]) for row in rows if row["unit"] == "AU12" and row["calibrated"] == calibrated]
        assert sum(images) == 100
    (panel,) = reliability_panels(
        learnt / "reliability.csv", ModelMetadata.read(learnt / "model.json").calibration_error
    )
    assert panel.chart is not None
    assert sum(point["images"] for point in panel.chart["data"]["values"] if point["series"] == "calibrated") == sum(
        int(row["images"]) for row in rows if row["calibrated"] == "true"
    )


def test_calibration_asks_networks_of_images_that_they_have_not_seen(tmp_path: Path, records: Write) -> None:
    """One validation image allows no choice and no fit; all images together do, and none is known by heart."""
    files = records("learnt", 320, 1, True), records("single", 1, 2, True)
    folds = {"backbone": "Small", "epochs": 30, "patience": 30, "batch_size": 32}
    cards = []
    for number in (0, 4):
        out = tmp_path / str(number)
        result = run_training(out, *files, **folds, calibration_folds=number)
        assert result.returncode == 0, result.stderr[-3000:]
        cards.append(json.loads((out / "model.json").read_text()))
    alone, crossed = cards
    assert alone["uncalibrated"] == ["AU4", "AU12"] and not crossed["uncalibrated"]
    assert alone["images"]["calibration"] == 1 and crossed["images"]["calibration"] == 321
    assert crossed["best_epoch"] == alone["best_epoch"]  # the network itself is the same
    # Labels at random can be learnt by heart only, which a network that has seen the images would pass for certainty.
    assert max(one["scale"] for one in crossed["calibration"].values()) < 1
    write_card(tmp_path / "4" / "model.json", "patches", tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text()
    assert "320 images to train on; 1 for stopping.\nCalibrated on 321 images by 4 further networks" in text


def test_with_calibration_folds_a_model_is_saved_in_float32_too(tmp_path: Path, records: Write) -> None:
    import keras

    from affectflow.training.network import every_layer

    files = records("mixed", 64, 1), records("validation", 40, 2)
    result = run_training(tmp_path, *files, **QUICK, precision="bfloat16", calibration_folds=2)
    assert result.returncode == 0, result.stderr[-3000:]
    model = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in every_layer(model) if layer.weights} == {"float32"}


def test_more_calibration_folds_than_groups_is_one_sentence(tmp_path: Path, records: Write) -> None:
    files = records("dozen", 12, 5), records("two", 2, 2)
    result = run_training(tmp_path, *files, **QUICK, batch_size=2, calibration_folds=20)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if "calibration_folds" in line]
    assert "is 20, but the images are of 12 groups" in line and not (tmp_path / "model.keras").exists()


def test_shuffled_labels_teach_nothing(tmp_path: Path, records: Write) -> None:
    result = run_training(tmp_path, records("shuffled", 640, 1, True), records("validation", 100, 2), backbone="Small")
    assert result.returncode == 0, result.stderr[-3000:]
    truth, probability = _predict(tmp_path, 12)
    # Hardly a difference between positives and negatives: predictions follow the base rate.
    assert abs(probability[truth].mean() - probability[~truth].mean()) < 0.2


def test_same_recipe_gives_the_same_bytes_on_any_number_of_cores(tmp_path: Path, records: Write) -> None:
    digests = set()
    for cores in (1, 2):
        out = tmp_path / str(cores)
        result = run_training(out, records("few", 96, 1), records("validation", 100, 2), cores=cores, **QUICK)
        assert result.returncode == 0, result.stderr[-3000:]
        digests.add(outcome(out))
    assert len(digests) == 1


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimizer_takes_steps(optimizer: str) -> None:
    import keras

    from affectflow.training.optimizers import make_optimizer

    variable = keras.Variable([1.0])
    made = make_optimizer(optimizer, 0.1, 0.01, warmup_fraction=0.2, steps=10)
    made.build([variable])
    for _ in range(5):
        made.apply([np.array([1.0], np.float32)])
    assert float(variable.numpy()[0]) < 1.0


def test_imagenet_weights_are_read_in_the_layout_that_keras_publishes(tmp_path: Path) -> None:
    """The published files are of Keras 2's layout, which Keras tells by the file's name."""
    import keras

    from affectflow.plan import Plan
    from affectflow.training.network import HeadSpec, NetworkSpec, build_network

    config = load(DEMO)
    config["models"]["resnet"]["weights"] = "imagenet"
    name = Plan(config).models.weights("resnet")
    assert name is not None
    network = keras.applications.ResNet50(include_top=False, weights=None)
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    path = tmp_path / Path(name).name
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    form = NetworkSpec("resnet50", 64, "pooled", "avg", False, 0.0, 0.0, "all", 1.0)
    model = build_network(form, path, (HeadSpec("action_units", 3, "cross_entropy"),))
    loaded = model.get_layer("resnet50").get_layer("conv1_conv").kernel
    assert np.array_equal(np.asarray(loaded), np.asarray(network.get_layer("conv1_conv").kernel))


def test_a_loss_that_is_no_number_is_one_sentence(tmp_path: Path, records: Write) -> None:
    result = run_training(tmp_path, records("few", 64, 5), records("validation", 100, 2), learning_rate=1e30, **QUICK)
    assert result.returncode == 1
    sentence = result.stderr.splitlines()[-1]
    assert re.match(
        r"affectflow: The loss became NaN or infinite at step \d \(epoch 1, learning rate 8\.54e\+29, ", sentence
    )
    assert "lower training.learning_rate" in sentence
    named = re.search(r"images ([\d, ]+) and 8 more", sentence)
    assert named is not None and len(set(named[1].split(", "))) == 8
    assert not [path for path in tmp_path.iterdir() if path.is_file()]
