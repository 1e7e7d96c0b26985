"""A run as the configuration describes it. Light: no tensor is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

_WITHOUT_EFFECT = ("checkpoint_minutes", "tensorboard", "cache_records", "gpus")
"""Keys that change how a run is made and nothing in what comes out, but for the last bits."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """See ``network``, ``models`` and ``training`` in ``config/README.md``."""

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
        """From the configuration's mapping of a model's entry and its training keys."""
        values = {
            **settings,
            "weights": weights,
            "heads": tuple(settings["heads"]),
            "units": tuple(settings["units"]),
            "task_weights": settings["task_weights"] if settings["task_weighting"] == "fixed" else None,
        }
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def reproducibility_key(self) -> dict[str, Any]:
        """What the weights depend on, as JSON can hold it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["weights"] = None if self.weights is None else str(self.weights)
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if key not in _WITHOUT_EFFECT
        }
