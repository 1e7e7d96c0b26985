"""The losses against what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from affectflow.measures.concordance import concordance  # noqa: E402
from affectflow.training.losses import concordance_loss, masked_cross_entropy  # noqa: E402


def test_unknown_labels_add_nothing() -> None:
    loss = masked_cross_entropy([1.0, 3.0])
    labels = np.array([[1, -1], [0, 1], [-1, 0]], np.float32)
    probabilities = np.array([[0.8, 0.1], [0.3, 0.6], [0.9, 0.2]], np.float32)
    known = [-np.log(0.8), -np.log(0.7), -3 * np.log(0.6), -np.log(0.8)]
    assert float(loss(labels, probabilities)) == pytest.approx(np.mean(known), rel=1e-5)
    probabilities[0, 1], probabilities[2, 0] = 0.99, 0.01  # only where labels are unknown
    assert float(loss(labels, probabilities)) == pytest.approx(np.mean(known), rel=1e-5)


def test_all_unknown_is_no_loss() -> None:
    labels = -np.ones((4, 2), np.float32)
    assert float(masked_cross_entropy([1.0, 1.0])(labels, np.full((4, 2), 0.3, np.float32))) == 0.0


def test_concordance_loss_is_one_minus_ccc_plus_squared_error() -> None:
    rng = np.random.default_rng(3)
    labels = rng.uniform(-1, 1, (30, 2)).astype(np.float32)
    predictions = (0.5 * labels + rng.normal(0, 0.2, (30, 2))).astype(np.float32)
    labels[:7, 0] = np.nan
    expected = []
    for dimension in range(2):
        known = ~np.isnan(labels[:, dimension])
        x, y = labels[known, dimension], predictions[known, dimension]
        expected.append(1 - concordance(x, y) + np.mean((x - y) ** 2))
    assert float(concordance_loss(labels, predictions)) == pytest.approx(np.mean(expected), rel=1e-4)


def test_gradients_stay_finite_where_labels_are_missing() -> None:
    tf = pytest.importorskip("tensorflow")
    predictions = tf.Variable([[0.1, -0.2], [0.3, 0.4]])
    labels = tf.constant([[np.nan, np.nan], [np.nan, 0.5]], tf.float32)
    with tf.GradientTape() as tape:
        loss = concordance_loss(labels, predictions)
    gradient = tape.gradient(loss, predictions).numpy()
    assert np.isfinite(gradient).all()
    assert gradient[0].tolist() == [0.0, 0.0]
    assert gradient[1, 1] != 0
