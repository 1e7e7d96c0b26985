"""Sums of gradients do not depend on which operation is ready first."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from affectflow.training.model import DeterministicModel
from affectflow.training.multi_task import MultiTaskModel

X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
DATA = (X, {"action_units": X[:, :2]})


def made(kind: type[MultiTaskModel]) -> MultiTaskModel:
    """A value of it is used four times."""
    inputs = keras.Input((5,))
    value = keras.layers.Dense(4, "tanh", kernel_initializer=keras.initializers.GlorotUniform(1))(inputs)
    used = [keras.layers.Dense(2, kernel_initializer=keras.initializers.GlorotUniform(i))(value) for i in range(4)]
    model = kind(
        keras.Model(inputs, {"action_units": keras.layers.add(used)}),
        {"action_units": lambda truth, logits: keras.ops.mean((truth - logits) ** 2)},
        {"action_units": 1.0},
    )
    model.compile(optimizer=keras.optimizers.SGD(0.1), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    return model


def longest_sum(model: MultiTaskModel) -> int:
    graph = tf.function(lambda: model.train_step(DATA)).get_concrete_function().graph
    return max(len(operation.inputs) for operation in graph.get_operations() if operation.type == "AddN")


def test_no_more_than_two_gradients_are_added_at_once() -> None:
    assert longest_sum(made(DeterministicModel)) == 2
    assert longest_sum(made(MultiTaskModel)) == 4


def test_gradients_and_losses_are_those_of_keras() -> None:
    ours, keras_own = (made(kind) for kind in (DeterministicModel, MultiTaskModel))
    losses = [m.fit(*DATA, batch_size=8, epochs=5, shuffle=False, verbose=0).history for m in (ours, keras_own)]
    assert losses[0].keys() == losses[1].keys() and losses[0]["loss"][-1] < losses[0]["loss"][0]
    for name, values in losses[0].items():
        assert values == pytest.approx(losses[1][name], rel=1e-5)
    for weights, other in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        assert np.allclose(weights, other, atol=1e-6)
