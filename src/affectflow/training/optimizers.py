"""Optimizers with a learning rate schedule, a fused Adam update and layer-wise learning rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from affectflow.core.errors import UserError
from affectflow.training.keras_setup import keras
from affectflow.training.multi_task import UNCERTAINTY


def with_fused_update(kind: type[keras.optimizers.Adam]) -> type[keras.optimizers.Adam]:
    """Return a subclass of an Adam optimizer that updates a variable in one TensorFlow operation.

    Keras uses about a dozen operations, which pass over memory seven times. Results differ from Keras's in the last
    bits.
    """
    import tensorflow as tf

    class FusedAdam(kind):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            index = self._get_variable_index(variable)
            step = keras.ops.cast(self.iterations + 1, variable.dtype)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._momentums[index].value.handle,
                v=self._velocities[index].value.handle,
                beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
                beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
                lr=tf.cast(learning_rate, variable.dtype),
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=tf.cast(gradient, variable.dtype),
            )

    return FusedAdam


def make_optimizer(
    name: str,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    steps: int,
    accumulate: int = 1,
    factor: Callable[[Any], float] | None = None,
) -> keras.optimizers.Optimizer:
    """Create an optimizer whose learning rate rises linearly and then decays by a cosine.

    Args:
        name: sgd, nesterov, adagrad, rmsprop, adam or adamw.
        learning_rate: Peak learning rate.
        weight_decay: Decoupled weight decay; 0 for none.
        warmup_fraction: Share of ``steps`` in which the learning rate rises.
        steps: Training steps of all epochs.
        accumulate: Number of batches whose mean gradient makes one update.
        factor: Multiplies the learning rate of each variable.
    """
    warmup = round(warmup_fraction * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else learning_rate,
        decay_steps=max(1, steps - warmup),
        warmup_target=learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    kinds: dict[str, tuple[type[keras.optimizers.Optimizer], dict[str, Any]]] = {
        "sgd": (keras.optimizers.SGD, {"momentum": 0.0}),
        "nesterov": (keras.optimizers.SGD, {"momentum": 0.9, "nesterov": True}),
        "adagrad": (keras.optimizers.Adagrad, {}),
        "rmsprop": (keras.optimizers.RMSprop, {}),
        "adam": (keras.optimizers.Adam, {}),
        "adamw": (keras.optimizers.AdamW, {}),
    }
    kind, settings = kinds[name]
    if issubclass(kind, keras.optimizers.Adam) and keras.backend.backend() == "tensorflow":
        kind = with_fused_update(kind)
    if factor is not None:
        kind = _with_factors(kind, factor)
    optimizer = kind(
        rate,
        weight_decay=weight_decay or (0.0 if name == "adamw" else None),
        gradient_accumulation_steps=accumulate if accumulate > 1 else None,
        **settings,
    )
    optimizer.exclude_from_weight_decay(var_names=[UNCERTAINTY])
    return optimizer


def check_accumulation(accumulate: int, steps: int, devices: int) -> None:
    """Raise :class:`UserError` if the gradients of ``accumulate`` batches cannot be accumulated.

    Args:
        accumulate: Number of batches that make one update.
        steps: Training steps of all epochs.
        devices: Number of devices.
    """
    if accumulate > steps:
        raise UserError(
            f"training.accumulate is {accumulate} and there are {steps} steps, so that there would be no update; lower "
            "it, or raise training.epochs."
        )
    if accumulate > 1 and devices > 1:  # Keras's conditional update cannot run in TensorFlow's replica context
        raise UserError(
            f"training.accumulate is {accumulate} and works on one GPU only; set it to 1 and raise "
            "training.batch_size, or set models.<name>.gpus to 1."
        )


def _with_factors(
    kind: type[keras.optimizers.Optimizer], factor: Callable[[Any], float]
) -> type[keras.optimizers.Optimizer]:
    class LayerwiseOptimizer(kind):  # type: ignore[misc]
        def build(self, variables: Sequence[Any]) -> None:
            super().build(variables)
            self._factors = [factor(variable) for variable in variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            own_factor = self._factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * own_factor)

    return LayerwiseOptimizer
