"""Optimisers by name, with a learning rate that rises linearly and falls as a cosine."""

from __future__ import annotations

import keras


def make_optimiser(
    name: str, learning_rate: float, weight_decay: float, warmup_fraction: float, steps: int
) -> keras.optimizers.Optimizer:
    """``name`` is sgd, nesterov, adagrad, rmsprop, adam or adamw; ``learning_rate`` is the peak."""
    warmup = round(warmup_fraction * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else learning_rate,
        decay_steps=max(1, steps - warmup),
        warmup_target=learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    decay = weight_decay or None
    match name:
        case "sgd":
            return keras.optimizers.SGD(rate, momentum=0.0, weight_decay=decay)
        case "nesterov":
            return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay)
        case "adagrad":
            return keras.optimizers.Adagrad(rate, weight_decay=decay)
        case "rmsprop":
            return keras.optimizers.RMSprop(rate, weight_decay=decay)
        case "adam":
            return keras.optimizers.Adam(rate, weight_decay=decay)
        case "adamw":
            return keras.optimizers.AdamW(rate, weight_decay=weight_decay)
    raise ValueError(f"no optimiser {name!r}")
