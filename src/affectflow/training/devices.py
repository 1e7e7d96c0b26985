"""What TensorFlow trains on: threads, GPUs, precision and compilation."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import cv2
import tensorflow as tf

from affectflow.training.keras_setup import keras
from affectflow.training.multi_task import OneDevice, ReplicaContext

OPERATION_THREADS = 8
"""Threads within an operation, on any number of cores. Their number decides how sums are split, and so the weights."""


def prepare(threads: int, seed: int, precision: str) -> None:
    """Set up this process for training: threads, deterministic operations, seeds and Keras's precision.

    Args:
        threads: Number of operations that run at a time; 0 lets TensorFlow choose.
        seed: Seed of Python, NumPy and TensorFlow.
        precision: ``auto``, ``float32``, ``bfloat16`` or ``float16``, see ``training.precision``.
    """
    cv2.setNumThreads(1)  # the reader makes batches in parallel already
    tf.config.threading.set_intra_op_parallelism_threads(OPERATION_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})  # see DeterministicModel
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_dtype_policy(_policy(precision))


class Devices:
    """One device, or several that share every batch."""

    def __init__(self, strategy: tf.distribute.Strategy | None) -> None:
        self._strategy = strategy
        self.replica_context: ReplicaContext = OneDevice() if strategy is None else _Replicas()

    def scope(self) -> AbstractContextManager[Any]:
        """Return a context in which a model's variables are created on all devices."""
        scope: AbstractContextManager[Any] = nullcontext() if self._strategy is None else self._strategy.scope()
        return scope

    def prefetch(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Copy batches to a single GPU ahead of the training step."""
        gpus = tf.config.list_logical_devices("GPU")
        if self._strategy is not None or not gpus:
            return batches
        return batches.apply(tf.data.experimental.prefetch_to_device(gpus[0].name))

    @property
    def count(self) -> int:
        """Number of devices that share a batch."""
        return 1 if self._strategy is None else int(self._strategy.num_replicas_in_sync)


def visible_devices() -> Devices:
    """Return all visible GPUs, or the CPU if there are none."""
    gpus = tf.config.list_logical_devices("GPU")
    return Devices(tf.distribute.MirroredStrategy([gpu.name for gpu in gpus]) if len(gpus) > 1 else None)


def share_statistics(model: keras.Model) -> None:
    """Let batch normalization use the statistics of the whole batch, not those of one device's part."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            share_statistics(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True


def compile_by_xla(setting: str) -> bool:
    """Return whether XLA compiles the training step: ``auto`` means on GPUs, because it makes CPUs slower."""
    return setting == "always" or (setting == "auto" and bool(tf.config.list_physical_devices("GPU")))


class _Replicas:
    """The replicas of TensorFlow's current strategy."""

    def gather(self, value: Any) -> Any:
        context = tf.distribute.get_replica_context()
        return value if context is None else context.all_gather(value, axis=0)

    def count(self) -> int:
        return int(tf.distribute.get_strategy().num_replicas_in_sync)


def _policy(precision: str) -> str:
    if precision == "auto":
        gpus = tf.config.list_physical_devices("GPU")
        capability = min((_compute_capability(gpu) for gpu in gpus), default=(0, 0))
        precision = "bfloat16" if capability >= (8, 0) else "float16" if capability >= (7, 0) else "float32"
    return precision if precision == "float32" else f"mixed_{precision}"


def _compute_capability(gpu: Any) -> tuple[int, int]:
    found: tuple[int, int] = tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
    return found
