"""The settings of one training run that decide its weights. Importing this module does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from affectflow.config.section import Text
from affectflow.config.training import Fitting, Network, TaskWeights


class Recipe(Network, Fitting):
    """A model's settings, as its entry of the configuration and the section ``training`` come to."""

    backbone: Text = Field(description="The network below the heads.")
    weights: Text | None = Field(description="File of the backbone's initial weights; null for random weights.")
    input_size: int = Field(description="Side in pixels that images are scaled to.")
    units: list[int] = Field(description="The AUs that it may learn.")
    shares: dict[str, float] | None = Field(
        description="Each data set's share of every batch; null for shares as their numbers of images."
    )

    @classmethod
    def of(cls, settings: Mapping[str, Any], weights: Path | None) -> Self:
        """Create a recipe.

        Args:
            settings: Settings of a run; keys that are not a recipe's are ignored.
            weights: File of the backbone's initial weights; None starts from random weights.
        """
        known = {key: value for key, value in settings.items() if key in cls.model_fields}
        return cls.model_validate({**known, "weights": None if weights is None else str(weights)})

    @property
    def fixed_task_weights(self) -> TaskWeights | None:
        """The weights of the heads' losses; None where they are learned."""
        return self.task_weights if self.task_weighting == "fixed" else None
