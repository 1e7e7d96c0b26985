"""Adam in one operation of TensorFlow's for each variable, where Keras has a dozen: a pass over memory, not seven."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from affectflow.core.errors import UserError
from affectflow.training.multi_task import UNCERTAINTY


def fused(kind: type[keras.optimizers.Adam]) -> type[keras.optimizers.Adam]:
    """The same optimizer with that update; its numbers differ from Keras's in the last bits."""

    class Fused(kind):  # type: ignore[misc]
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            place = self._get_variable_index(variable)
            step = keras.ops.cast(self.iterations + 1, variable.dtype)
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._momentums[place].value.handle,
                v=self._velocities[place].value.handle,
                beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
                beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
                lr=tf.cast(learning_rate, variable.dtype),
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=tf.cast(gradient, variable.dtype),
            )

    return Fused


def make_optimizer(
    name: str,
    learning_rate: float,
    weight_decay: float,
    warmup_fraction: float,
    steps: int,
    accumulate: int = 1,
    factor: Callable[[Any], float] | None = None,
) -> keras.optimizers.Optimizer:
    """``name`` is sgd, nesterov, adagrad, rmsprop, adam or adamw; ``learning_rate`` is the peak.

    The gradients of ``accumulate`` batches make one update; ``factor`` multiplies each variable's learning rate.
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
        kind = fused(kind)
    made = (kind if factor is None else _by_layer(kind, factor))(
        rate,
        weight_decay=weight_decay or (0.0 if name == "adamw" else None),
        gradient_accumulation_steps=accumulate if accumulate > 1 else None,
        **settings,
    )
    made.exclude_from_weight_decay(var_names=[UNCERTAINTY])
    return made


def check_accumulation(accumulate: int, steps: int, devices: int) -> None:
    """Raise :class:`UserError` where gradients of ``accumulate`` of all ``steps`` cannot be added up."""
    if accumulate > steps:
        raise UserError(
            f"training.accumulate is {accumulate} and there are {steps} steps, so that there would be no update; lower "
            "it, or raise training.epochs."
        )
    if accumulate > 1 and devices > 1:  # Keras's branch is one that TensorFlow's replicas cannot take together
        raise UserError(
            f"training.accumulate is {accumulate} and works on one GPU only; set it to 1 and raise "
            "training.batch_size, or set models.<name>.gpus to 1."
        )


def _by_layer(
    kind: type[keras.optimizers.Optimizer], factor: Callable[[Any], float]
) -> type[keras.optimizers.Optimizer]:
    class ByLayer(kind):  # type: ignore[misc]
        def build(self, variables: Sequence[Any]) -> None:
            super().build(variables)
            self._factors = [factor(variable) for variable in variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            own = self._factors[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * own)

    return ByLayer
