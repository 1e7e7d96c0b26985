"""What TensorFlow trains on: threads, GPUs, numbers' precision, compilation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from affectflow.training.multi_task import OneDevice, ReplicaContext


def prepare(threads: int, seed: int, precision: str) -> None:
    """Make what follows repeatable under ``seed``, on ``threads`` threads, and set Keras's precision."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})  # see DeterministicModel
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_dtype_policy(_policy(precision))


class Devices:
    """One device, or several that share every batch between them."""

    def __init__(self, strategy: tf.distribute.Strategy | None) -> None:
        self._strategy = strategy
        self.across: ReplicaContext = OneDevice() if strategy is None else _Replicas()

    def scope(self) -> AbstractContextManager[Any]:
        """Within it a model is built whose variables lie on all devices."""
        scope: AbstractContextManager[Any] = nullcontext() if self._strategy is None else self._strategy.scope()
        return scope

    def ahead(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Batches that lie on the device before they are asked for."""
        gpus = tf.config.list_logical_devices("GPU")
        if self._strategy is not None or not gpus:
            return batches
        return batches.apply(tf.data.experimental.prefetch_to_device(gpus[0].name))

    @property
    def count(self) -> int:
        return 1 if self._strategy is None else int(self._strategy.num_replicas_in_sync)


def visible_devices() -> Devices:
    """All GPUs that are visible; the CPU where there is none."""
    gpus = tf.config.list_logical_devices("GPU")
    return Devices(tf.distribute.MirroredStrategy([gpu.name for gpu in gpus]) if len(gpus) > 1 else None)


def share_statistics(model: keras.Model) -> None:
    """Let batch normalization see the whole batch, not one device's part."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            share_statistics(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def compile_by_xla(wish: str) -> bool:
    """Whether XLA compiles the step: it makes GPUs faster, and CPUs slower."""
    return wish == "always" or (wish == "auto" and bool(tf.config.list_physical_devices("GPU")))


class _Replicas:
    """TensorFlow's replicas."""

    def gather(self, value: Any) -> Any:
        context = tf.distribute.get_replica_context()
        return value if context is None else context.all_gather(value, axis=0)

    def count(self) -> int:
        return int(tf.distribute.get_strategy().num_replicas_in_sync)


def _policy(precision: str) -> str:
    if precision == "auto":
        gpus = tf.config.list_physical_devices("GPU")
        capability = min((_capability(gpu) for gpu in gpus), default=(0, 0))
        precision = "bfloat16" if capability >= (8, 0) else "float16" if capability >= (7, 0) else "float32"
    return precision if precision == "float32" else f"mixed_{precision}"


def _capability(gpu: Any) -> tuple[int, int]:
    found: tuple[int, int] = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
    return found
