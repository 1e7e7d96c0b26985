"""Calibration: what it finds, what it leaves alone, and that it is measured on data that it was not fitted to."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras")

from scipy.special import expit

from affectflow.metrics.calibration import calibration_error_of_bins
from affectflow.metrics.scaling import Scaling, fit_scaling
from affectflow.training.calibration import Calibration, calibrate
from affectflow.training.keras_setup import keras

UNITS = (4, 12)


def labelled(truth: NDArray[np.bool_], *units: int) -> NDArray[np.int8]:
    labels = np.full((len(truth), 60), -1, np.int8)
    for column, unit in enumerate(units):
        labels[:, unit - 1] = truth[:, column]
    return labels


def network() -> keras.Model:
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(2, name="action_units", kernel_initializer="identity")(inputs))


def calibrated(
    logits: NDArray[np.float32],
    labels: NDArray[np.int8],
    groups: list[str] | None = None,
    method: str = "platt",
    weights: tuple[float, float] = (1.0, 1.0),
) -> tuple[Calibration, NDArray[np.float64]]:
    model = network()
    found = calibrate(model, UNITS, labels, groups or [str(i) for i in range(len(labels))], logits, method, weights)
    return found, expit(model.predict(logits, verbose=0).astype(np.float64))


def weighted(weight: float, images: int = 20_000) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Logits as of a network in whose loss a positive counted ``weight`` times, and that is too sure."""
    rng = np.random.default_rng(0)
    honest = rng.normal(-1, 2, (images, 2))
    truth = rng.random((images, 2)) < expit(honest)
    return (2 * (honest + np.log(weight))).astype(np.float32), truth


def test_a_weight_in_the_loss_and_too_much_sureness_are_undone() -> None:
    logits, truth = weighted(4)
    found, probability = calibrated(logits, labelled(truth, *UNITS), weights=(4, 4))
    for unit in UNITS:
        assert found.scalings[unit].scale == pytest.approx(0.5, rel=0.05)
        assert found.scalings[unit].shift == pytest.approx(-np.log(4), abs=0.1)
    assert probability.mean(axis=0) == pytest.approx(truth.mean(axis=0), abs=0.005)
    assert found.error(calibrated=False) > 0.15 and found.error(calibrated=True) < 0.02


def test_decisions_stay_as_they_were() -> None:
    logits, truth = weighted(4, 3000)
    found, probability = calibrated(logits, labelled(truth, *UNITS), weights=(4, 4))
    for column, unit in enumerate(UNITS):
        before, after = logits[:, column] >= 0, probability[:, column] >= found.scalings[unit].threshold
        assert np.mean(before != after) < 0.002  # the weights are float32
        assert found.scalings[unit].threshold < 0.3


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_corrected_for_its_weight_alone(label: int) -> None:
    logits = np.random.default_rng(0).normal(0, 5, (50, 2)).astype(np.float32)
    found, _ = calibrated(logits, labelled(np.full((50, 2), bool(label)), *UNITS), weights=(4, 1))
    assert found.scalings == {4: Scaling(1.0, -np.log(4)), 12: Scaling(1.0, 0.0)}
    assert found.too_few == [4, 12] and found.thresholds == {4: 0.5, 12: 0.5}


@pytest.mark.parametrize(("positives", "fitted"), [(9, False), (10, True), (191, False)])
def test_a_handful_of_positives_is_not_fitted_to(positives: int, fitted: bool) -> None:
    truth = np.zeros((200, 2), bool)
    truth[:positives] = True
    logits = np.where(truth, 1.0, -0.5).astype(np.float32)
    found, _ = calibrated(logits, labelled(truth, *UNITS))
    assert (found.thresholds[4] != 0.5) is fitted and (found.scalings[4] != Scaling()) is fitted


def test_without_calibration_probabilities_stay() -> None:
    logits, truth = weighted(4, 500)
    found, probability = calibrated(logits, labelled(truth, *UNITS), method="none", weights=(4, 4))
    assert probability == pytest.approx(expit(logits.astype(np.float64)), abs=1e-6)
    assert found.scalings[4].threshold == 0.5 and found.error(True) == found.error(False)


def test_the_order_of_images_stays_where_logits_say_the_opposite() -> None:
    truth = np.random.default_rng(0).random(400) < 0.4
    assert fit_scaling(truth, np.where(truth, -1.0, 1.0)).scale > 0


def test_it_is_measured_on_people_that_it_was_not_fitted_to() -> None:
    """Each person has a bias of their own, which a fit to the same people partly learns."""
    rng = np.random.default_rng(3)
    people, frames = 12, 60
    person = np.repeat(np.arange(people), frames)
    honest = rng.normal(-1, 1, (people * frames, 2))
    truth = rng.random(honest.shape) < expit(honest + np.repeat(rng.normal(0, 1.5, (people, 2)), frames, axis=0))
    logits = honest.astype(np.float32)
    found, probability = calibrated(logits, labelled(truth, *UNITS), [f"p{i}" for i in person])
    fitted_to_itself = np.mean([abs(probability[:, column].mean() - truth[:, column].mean()) for column in range(2)])
    assert fitted_to_itself < 0.01
    assert found.error(calibrated=True) > 2 * fitted_to_itself
    same = [entry for entry in found.bins if entry.calibrated]
    assert calibration_error_of_bins(same) == found.error(calibrated=True)
