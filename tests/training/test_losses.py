"""The losses against slow loops over what they say they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from affectflow.metrics.agreement import agree
from affectflow.training import (
    heads,
    losses,
)

Array = NDArray[np.float32]
UNITS = 5
WEIGHTS = [1.0, 2.0, 1.5, 4.0, 1.0]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def slow_occurrence(kind: str, labels: Array, logits: Array) -> float:
    found = []
    for row in range(len(labels)):
        for unit in range(UNITS):
            label, p = labels[row, unit], sigmoid(float(logits[row, unit]))
            if label < 0:
                continue
            weight = WEIGHTS[unit] if label == 1 else 1.0
            right = p if label == 1 else 1 - p
            if kind == "cross_entropy":
                each = -math.log(right)
            elif kind == "focal":
                each = -math.log(right) * (1 - right) ** 2
            else:
                shifted = max(p - 0.05, 0)
                each = -math.log(p) if label == 1 else -math.log(1 - shifted) * shifted**4
            found.append(weight * each)
    return mean(found)


def slow_intensity(kind: str, labels: Array, logits: Array) -> float:
    found = []
    for row in range(len(labels)):
        for unit in range(UNITS):
            label = float(labels[row, unit])
            if math.isnan(label):
                continue
            if kind == "squared_error":
                found.append((5 * sigmoid(float(logits[row, unit])) - label) ** 2)
                continue
            levels = [sigmoid(float(x)) for x in logits[row, unit]]
            found.append(sum(-math.log(p if label > level else 1 - p) for level, p in enumerate(levels)))
    return mean(found)


def slow_affect(kind: str, labels: Array, logits: Array) -> float:
    found = []
    for dimension in range(2):
        known = ~np.isnan(labels[:, dimension])
        if not known.any():
            continue
        truth, of = labels[known, dimension].astype(float), logits[known, dimension].astype(float)
        if kind == "ccc":
            predictions = np.tanh(of)
            second = np.mean((predictions - truth) ** 2)
        else:
            share = np.exp(of) / np.exp(of).sum(axis=1, keepdims=True)
            predictions = share @ (np.arange(-0.95, 1, 0.1))
            places = [min(int((value + 1) * 10), 19) for value in truth]
            second = mean([-math.log(share[i, place]) for i, place in enumerate(places)])
        ccc = float(agree(truth, predictions).ccc) if len(truth) > 1 else 1.0
        found.append(1 - ccc + second)
    return mean(found)


def masks() -> Iterator[NDArray[np.bool_]]:
    """What is unknown: by chance, whole columns, whole rows, nothing, everything, all but one."""
    rng = np.random.default_rng(0)
    for share in (0.0, 0.3, 0.7, 1.0):
        yield rng.random((9, UNITS)) < share
    columns = np.zeros((9, UNITS), bool)
    columns[:, :2] = True
    yield columns
    yield columns[:, ::-1]
    rows = np.zeros((9, UNITS), bool)
    rows[1:] = True
    yield rows


MASKS = list(masks())
Case = tuple[Callable[..., object], Array, Array, float]


def case(name: str, unknown: NDArray[np.bool_], seed: int, one_class: bool = False) -> Case:
    """Loss, labels, logits, and what the loss should be."""
    rng = np.random.default_rng(seed)
    count = len(unknown)
    if name in losses.OCCURRENCE_LOSSES:
        labels = (rng.random((count, UNITS)) < (1.0 if one_class else 0.4)).astype(np.float32)
        labels[unknown] = -1
        logits = rng.normal(0, 2, (count, UNITS)).astype(np.float32)
        return losses.OCCURRENCE_LOSSES[name](WEIGHTS), labels, logits, slow_occurrence(name, labels, logits)
    if name in losses.INTENSITY_LOSSES:
        labels = (np.full((count, UNITS), 3) if one_class else rng.integers(0, 6, (count, UNITS))).astype(np.float32)
        labels[unknown] = np.nan
        logits = rng.normal(0, 2, (count, UNITS, 5) if name == "ordinal" else (count, UNITS)).astype(np.float32)
        return losses.INTENSITY_LOSSES[name], labels, logits, slow_intensity(name, labels, logits)
    labels = (np.full((count, 2), 0.3) if one_class else rng.uniform(-1, 1, (count, 2))).astype(np.float32)
    labels[unknown[:, :2]] = np.nan
    logits = rng.normal(0, 1, (count, 2, 20) if name == "ccc_bins" else (count, 2)).astype(np.float32)
    return losses.AFFECT_LOSSES[name], labels, logits, slow_affect(name, labels, logits)


NAMES = [*losses.OCCURRENCE_LOSSES, *losses.INTENSITY_LOSSES, *losses.AFFECT_LOSSES]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("one_class", [False, True])
@pytest.mark.parametrize("number", range(len(MASKS)))
def test_it_is_what_it_says(name: str, one_class: bool, number: int) -> None:
    loss, labels, logits, expected = case(name, MASKS[number], number, one_class)
    assert float(loss(labels, logits)) == pytest.approx(expected, rel=2e-4, abs=1e-6)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", range(len(MASKS)))
def test_an_unknown_label_has_no_gradient(name: str, number: int) -> None:
    loss, labels, logits, _ = case(name, MASKS[number], number)
    unknown = np.isnan(labels) | (labels < 0) if name in losses.OCCURRENCE_LOSSES else np.isnan(labels)

    def gradient(at: Array) -> Array:
        variable = tf.Variable(at)
        with tf.GradientTape() as tape:
            value = loss(tf.constant(labels), variable)
        found = tape.gradient(value, variable)
        return np.zeros_like(at) if found is None else np.asarray(found)

    first = gradient(logits)
    assert np.isfinite(first).all()
    assert not first[unknown].any()
    perturbed = logits.copy()
    perturbed[unknown] += 3
    assert float(loss(labels, perturbed)) == pytest.approx(float(loss(labels, logits)), rel=1e-6)  # type: ignore[arg-type]
    assert np.allclose(gradient(perturbed)[~unknown], first[~unknown], rtol=1e-5, atol=1e-7)
    if not unknown.all():
        assert first[~unknown].any()


@pytest.mark.parametrize("name", NAMES)
def test_extreme_numbers_stay_finite(name: str) -> None:
    loss, labels, logits, _ = case(name, MASKS[1], 1)
    variable = tf.Variable(np.sign(logits) * 1e4)
    with tf.GradientTape() as tape:
        value = loss(tf.constant(labels), variable)
    assert np.isfinite(float(value)) and np.isfinite(np.asarray(tape.gradient(value, variable))).all()


@pytest.mark.parametrize("head", heads.HEADS)
def test_outputs_lie_where_they_should(head: str) -> None:
    low, high = {"action_units": (0, 1), "intensities": (0, 5), "valence_arousal": (-1, 1)}[head]
    for loss in ("ordinal", "ccc_bins", "plain"):
        logits = np.random.default_rng(0).normal(0, 9, (50, *heads.logits_shape(head, 3, loss))).astype(np.float32)
        out = np.asarray(heads.outputs(head, logits))
        assert out.shape == (50, 2 if head == "valence_arousal" else 3)
        assert low <= out.min() < out.max() <= high
