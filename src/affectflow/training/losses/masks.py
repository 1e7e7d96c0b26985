"""Means over what is known."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def known_numbers(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Labels with 0 where they are NaN, and 1 where they are known, both of the shape of ``labels``."""
    unknown = ops.isnan(labels)
    return ops.where(unknown, ops.zeros_like(labels), labels), 1.0 - ops.cast(unknown, labels.dtype)


def masked_mean(values: Tensor, known: Tensor) -> Tensor:
    """The mean of ``values`` where ``known`` is 1; 0 where it nowhere is. Both have one shape."""
    return ops.sum(values * known) / ops.maximum(ops.sum(known), 1.0)
