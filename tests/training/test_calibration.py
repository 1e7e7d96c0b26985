"""Temperatures: what they find, and what they cannot."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")

from affectflow.metrics.calibration import calibration_error_of_bins
from affectflow.training.validation import fit_temperatures, fit_thresholds, reliability


def test_a_known_temperature_is_found() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, 20_000)
    labels = np.full((20_000, 60), -1, np.int8)
    labels[:, 11] = rng.random(20_000) < 1 / (1 + np.exp(-honest))
    labels[::7, 11] = -1
    logits = (3 * honest).astype(np.float32)[:, None]
    temperatures = fit_temperatures([12], labels, logits)
    assert temperatures[12] == pytest.approx(3, rel=0.05)
    bins = reliability([12], labels, logits, temperatures)
    before, after = (
        calibration_error_of_bins([entry for entry in bins if entry.calibrated is of]) for of in (False, True)
    )
    assert after < 0.02 < before


@pytest.mark.parametrize("label", [0, 1, -1])
def test_one_class_has_no_temperature(label: int) -> None:
    labels = np.full((50, 60), label, np.int8)
    logits = np.random.default_rng(0).normal(0, 5, (50, 1)).astype(np.float32)
    assert fit_temperatures([4], labels, logits) == {4: 1.0}


@pytest.mark.parametrize(("positives", "fitted"), [(0, False), (9, False), (10, True), (191, False)])
def test_a_handful_of_positives_is_not_fitted_to(positives: int, fitted: bool) -> None:
    labels = np.zeros((200, 60), np.int8)
    labels[:positives, 3] = 1
    logits = np.where(labels[:, [3]] == 1, 9.0, 7.0).astype(np.float32)
    probabilities = 1 / (1 + np.exp(-logits))
    assert (fit_thresholds([4], labels, probabilities)[4] != 0.5) is fitted
    assert (fit_temperatures([4], labels, logits)[4] != 1.0) is fitted
