"""The settings of one training run. Importing this module does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

_WITHOUT_EFFECT = ("checkpoint_minutes", "tensorboard", "cache_records", "gpus")
"""Settings that do not change the trained weights, except for the last bits."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model's settings; ``config/README.md`` describes them under ``models`` and ``training``."""

    backbone: str
    weights: Path | None
    input_size: int
    top: str
    pooling: str
    batch_norm: bool
    dropout: float
    l2: float
    train_layers: str
    layer_decay: float
    heads: tuple[str, ...]
    units: tuple[int, ...]
    shares: Mapping[str, float] | None
    seed: int
    epochs: int
    patience: int
    batch_size: int
    accumulate: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    losses: Mapping[str, str]
    task_weights: Mapping[str, float] | None
    missing_labels: str
    positive_weight_cap: float
    calibration: str
    augmentation: Mapping[str, Any]
    precision: str
    xla: str
    gpus: int
    cache_records: bool
    checkpoint_minutes: float
    tensorboard: bool

    @classmethod
    def of(cls, settings: Mapping[str, Any], weights: Path | None) -> Self:
        """Create a recipe.

        Args:
            settings: A model's configuration entry merged with its training settings.
            weights: File of the backbone's initial weights; None starts from random weights.
        """
        values = {
            **settings,
            "weights": weights,
            "heads": tuple(settings["heads"]),
            "units": tuple(settings["units"]),
            "task_weights": settings["task_weights"] if settings["task_weighting"] == "fixed" else None,
        }
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def reproducibility_key(self) -> dict[str, Any]:
        """Return the settings that the trained weights depend on, as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["weights"] = None if self.weights is None else str(self.weights)
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if key not in _WITHOUT_EFFECT
        }
