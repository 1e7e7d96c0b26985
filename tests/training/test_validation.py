"""Validation metrics: computed where the labels allow them, and reported as missing where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from affectflow.training.reader import Labels, read_labels
from affectflow.training.validation import Validator, constant_labels, validate

TRAINED_HEADS = {"action_units": (4, 12), "intensities": (1, 4), "valence_arousal": ()}


def test_constant_labels_count_neither_for_nor_against() -> None:
    units = np.full((6, 60), -1, np.int8)
    intensities = np.full((6, 60), np.nan, np.float32)
    intensities[:, 0], intensities[:, 3] = np.arange(6), 0
    affect = np.stack([np.linspace(-1, 1, 6), np.full(6, 0.5)], axis=1).astype(np.float32)
    outputs = {
        "action_units": np.full((6, 2), 0.5, np.float32),
        "intensities": np.stack([np.arange(6), np.arange(6)], axis=1).astype(np.float32),
        "valence_arousal": affect[:, [0, 0]],
    }
    result = validate(TRAINED_HEADS, Labels(units, intensities, affect, [""] * 6, [""] * 6, Counter()), outputs)
    assert result.intensity_ccc[1] == pytest.approx(1) and np.isnan(result.intensity_ccc[4])
    assert result.valence_ccc == pytest.approx(1) and np.isnan(result.arousal_ccc)
    assert result.score == pytest.approx(1)


def test_what_cannot_be_measured_is_told_once(
    records: Callable[..., list[Path]], caplog: pytest.LogCaptureFixture
) -> None:
    files = records("validation", 60, 2)
    labels = read_labels(files)
    units, intensities, affect = labels.units.copy(), labels.intensities.copy(), labels.affect.copy()
    units[units[:, 11] == 1, 11] = -1
    intensities[:, 0], intensities[:, 3] = 2, np.arange(len(labels)) % 5
    affect[:, 0], affect[:, 1] = np.linspace(-1, 1, len(labels)), 0.25
    labels = replace(labels, units=units, intensities=intensities, affect=affect)
    Validator(cast(Any, None), TRAINED_HEADS, files, labels, 8)
    constant = constant_labels(TRAINED_HEADS, labels)
    assert constant == ["AU12", "intensity of AU1", "arousal"]
    assert [caplog.text.count(f"labels of {name} have only one value;") for name in constant] == [1, 1, 1]
