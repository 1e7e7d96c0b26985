"""Our training step on a GPU beside a bare Keras step, and beside what the chip can do.

``make bench-gpu`` needs Keras and JAX with CUDA, and no TensorFlow: the step is the one of ``train_model``
(network, losses, optimizer), compiled by XLA as on TensorFlow, on one batch that lies on the device. ResNet50 at 224
pixels, bfloat16. It prints images a second, the GPU's utilisation meanwhile, and, for what bounds it, the step's
arithmetic (of convolutions and dense layers) and memory traffic (as XLA counts it) beside a large matrix product and a
large copy, timed in the same run.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ["KERAS_BACKEND"] = os.environ["AFFECTFLOW_KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import numpy as np

from affectflow.training.losses import concordance, cross_entropy
from affectflow.training.multi_task import MultiTaskModel
from affectflow.training.network import HeadSpec, NetworkSpec, build_network, every_layer
from affectflow.training.optimizers import make_optimizer

UNITS = tuple(range(1, 61))
_MATRIX, _COPIED = 8192, 1 << 30
Batch = tuple[Any, Any]


def ours(side: int, batch: int) -> tuple[keras.Model, Batch]:
    """The shipped ResNet with both its heads, labels unknown here and there."""
    form = NetworkSpec("resnet50", side, "pooled", "avg", False, 0.1, 0.0, "all", 1.0)
    heads = (HeadSpec("action_units", len(UNITS), "cross_entropy"), HeadSpec("valence_arousal", 0, "ccc"))
    losses = {"action_units": cross_entropy([1.0] * len(UNITS)), "valence_arousal": concordance}
    model = MultiTaskModel(build_network(form, None, heads), losses, {"action_units": 1.0, "valence_arousal": 0.5})
    model.compile(optimizer=make_optimizer("adam", 1e-3, 0.0, 0.1, 1000))
    rng = np.random.default_rng(0)
    labels = {
        "action_units": jnp.asarray(rng.integers(-1, 2, (batch, len(UNITS))), jnp.float32),
        "valence_arousal": jnp.asarray(rng.uniform(-1, 1, (batch, 2)), jnp.float32),
    }
    return model, (_pixels(side, batch), labels)


def bare(side: int, batch: int) -> tuple[keras.Model, Batch]:
    """Keras's ResNet50 with one layer on top."""
    network = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(side, side, 3), pooling="avg")
    top = keras.layers.Dense(len(UNITS), "sigmoid", dtype="float32")
    model = keras.Model(network.inputs, top(network.output))
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="binary_crossentropy")
    return model, (_pixels(side, batch), jnp.zeros((batch, len(UNITS))))


def _pixels(side: int, batch: int) -> Any:
    return jnp.asarray(np.random.default_rng(1).integers(0, 256, (batch, side, side, 3)), jnp.float32)


@dataclass(slots=True)
class Step:
    """A compiled step of training, and its state."""

    run: Callable[[Any, Batch], tuple[Any, Any]]
    state: Any
    batch: Batch
    flops: float
    bytes: float

    @classmethod
    def of(cls, model: keras.Model, batch: Batch) -> Step:
        model.optimizer.build(model.trainable_variables)
        model.train_on_batch(*jax.tree.map(lambda x: x[:2], batch))  # builds what Keras builds late
        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        # Donated below, so nothing of it may lie in one place with another.
        state = tuple([jnp.array(variable.value) for variable in group] for group in groups)
        compiled = jax.jit(model.train_step, donate_argnums=0).lower(state, batch).compile()
        counted = compiled.cost_analysis() or {}
        return cls(compiled, state, batch, _operations(model) * len(batch[0]), counted.get("bytes accessed", 0.0))

    def seconds(self, steps: int) -> float:
        """Of one step, on average."""
        began = time.perf_counter()
        for _ in range(steps):
            logs, self.state = self.run(self.state, self.batch)
        jax.block_until_ready((logs, self.state))
        return (time.perf_counter() - began) / steps


def _operations(model: keras.Model) -> float:
    """Of a step for one image: two for every product of a convolution or dense layer, forward and twice backward."""
    products = 0.0
    for layer in every_layer(model):
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            products += math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return 6 * products


class Utilisation:
    """The GPU's utilization that nvidia-smi reports; NaN if it is not installed."""

    def __enter__(self) -> Utilisation:
        words = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True) if shutil.which(words[0]) else None
        return self

    def __exit__(self, *_: object) -> None:
        self.percent = float("nan")
        if self._process is not None:
            self._process.terminate()
            percents = [float(line) for line in self._process.communicate()[0].split() if line.isdigit()]
            self.percent = statistics.mean(percents[1:]) if len(percents) > 1 else float("nan")


def _timed(function: Callable[[Any], Any], value: Any, times: int) -> float:
    compiled = jax.jit(function)
    jax.block_until_ready(compiled(value))
    began = time.perf_counter()
    for _ in range(times):
        found = compiled(value)
    jax.block_until_ready(found)
    return (time.perf_counter() - began) / times


def _peaks(scale: int) -> tuple[float, float]:
    """Operations a second of a product of bfloat16 matrices, and bytes a second of a copy, read and written."""
    side, count = _MATRIX // scale, _COPIED // scale // 4
    matrix = jax.random.normal(jax.random.key(0), (side, side), jnp.bfloat16)
    product = 2 * side**3 / _timed(lambda a: a @ a, matrix, 20)
    return product, 8 * count / _timed(lambda a: a + 1, jnp.zeros(count, jnp.float32), 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1, help="of the matrix and the copy, smaller where more")
    options = parser.parse_args()
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    print(f"{jax.devices()[0].device_kind}, JAX {jax.__version__}, Keras {keras.__version__}")
    product, copy = _peaks(options.scale)
    print(f"matrix product {product / 1e12:.1f} TFLOP/s, copy {copy / 1e9:.0f} GB/s", flush=True)
    steps = {name: Step.of(*make(options.side, options.batch)) for name, make in {"ours": ours, "bare": bare}.items()}
    found: dict[str, list[float]] = {name: [] for name in steps}
    used: dict[str, float] = {}
    for number in range(options.rounds + 1):
        for name, step in steps.items():
            with Utilisation() as utilisation:
                seconds = step.seconds(options.steps)
            if number:  # the first warms up
                found[name].append(seconds)
                used[name] = utilisation.percent
    print(
        f"\nResNet50, {options.side} pixels, batches of {options.batch}, bfloat16, medians of {options.rounds} rounds"
    )
    for name, step in steps.items():
        seconds = statistics.median(found[name])
        arithmetic, traffic = step.flops / seconds / product, step.bytes / seconds / copy
        print(
            f"{name:6}{options.batch / seconds:9.0f} images/s, utilisation {used[name]:.0f} %; "
            f"{step.flops / options.batch / 1e9:.1f} GFLOP an image, {arithmetic:.0%} of the matrix product's rate; "
            f"{step.bytes / options.batch / 1e6:.0f} MB an image, {traffic:.0%} of the copy's"
        )
    ratios = [b / o for o, b in zip(found["ours"], found["bare"], strict=True)]
    print(f"  ours / bare: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
