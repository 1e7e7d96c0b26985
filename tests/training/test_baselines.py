"""Baselines, trained as models are: the frequency of labels, and logistic regression on grey pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from affectflow.core.errors import UserError
from affectflow.metrics.ranking import roc_auc
from tests.training.conftest import patch_samples
from tests.training.processes import run_training
from tests.training.test_network import FORM, HEADS

keras = pytest.importorskip("keras")

from affectflow.training.network import build_network, inference_model

Write = Callable[..., list[Path]]


def _train(out: Path, records: Write, **settings: object) -> Path:
    result = run_training(out, records("baseline", 400, 1), records("validation", 100, 2), units=[4, 12], **settings)
    assert result.returncode == 0, result.stderr[-3000:]
    return out


def _predict(folder: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    samples = patch_samples(count, seed=99)
    pixels = np.stack([sample.image.rgb() for sample in samples])
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    return pixels, np.asarray(model(pixels, training=False)["action_units"])


def test_the_constant_learns_how_frequent_labels_are(tmp_path: Path, records: Write) -> None:
    out = _train(
        tmp_path, records, backbone="constant", epochs=4, learning_rate=0.05, positive_weight_cap=1, calibration="none"
    )
    card = json.loads((out / "model.json").read_text())
    _, probabilities = _predict(out, 20)
    assert np.ptp(probabilities, axis=0).max() == 0
    for column, unit in enumerate(("AU4", "AU12")):
        frequency = card["positives"][unit] / (card["positives"][unit] + card["negatives"][unit])
        assert probabilities[0, column] == pytest.approx(frequency, abs=0.03)


def test_grey_pixels_are_logistic_regression(tmp_path: Path, records: Write) -> None:
    """Scikit-learn's, of the same images' grey 16 x 16 values, is no better."""
    out = _train(
        *(tmp_path, records),
        **{"backbone": "grey_pixels", "top": "flat", "dropout": 0, "input_size": 32, "epochs": 30},
        **{"learning_rate": 0.01, "patience": 30},
    )
    pixels, probabilities = _predict(out, 300)
    train = patch_samples(400, seed=1)

    def grey(images: np.ndarray) -> np.ndarray:
        import cv2

        small = [
            cv2.resize(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), (16, 16), interpolation=cv2.INTER_AREA) for p in images
        ]
        flat = np.reshape(small, (len(images), -1)).astype(float)
        return (flat - flat.mean(1, keepdims=True)) / (flat.std(1, keepdims=True) + 1)

    of_train, of_test = grey(np.stack([s.image.rgb() for s in train])), grey(pixels)
    for column, unit in enumerate((4, 12)):
        truth = np.array([s.units[unit - 1] == 1 for s in patch_samples(300, seed=99)])
        other = LogisticRegression(max_iter=1000).fit(of_train, [s.units[unit - 1] == 1 for s in train])
        ours, theirs = roc_auc(truth, probabilities[:, column]), roc_auc(truth, other.predict_proba(of_test)[:, 1])
        assert ours > theirs - 0.02, (unit, ours, theirs)


def test_grey_pixels_have_a_weight_for_each_of_256_fields() -> None:
    network = build_network(replace(FORM, backbone="grey_pixels", top="flat", input_size=64), None, HEADS[:1])
    assert [tuple(variable.shape) for variable in network.trainable_variables] == [(256, 5), (5,)]
    assert inference_model(network)(np.zeros((2, 50, 70, 3), np.uint8))["action_units"].shape == (2, 5)
    with pytest.raises(UserError, match="multiple of 16"):
        build_network(replace(FORM, backbone="grey_pixels", top="flat", input_size=50), None, HEADS[:1])
