"""The settings that decide the weights of a training run; the configuration has most of them.

Importing this module does not import TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field

from affectflow.core.settings import Count, Head, Section, Text, unique

BASELINES = ("constant", "grey_pixels")
"""Backbones that do without an image, or nearly: what other models are to beat."""


class Network(Section):
    """The settings of a network that decide its weights."""

    top: Literal["pooled", "fully_connected", "flat"] = Field(
        description="`pooled` averages the last features; `fully_connected` adds the two layers of 4096 units of "
        "VGG's paper, each with dropout 0.5; `flat` takes the features as they are."
    )
    pooling: Literal["avg", "max"] = Field(description="How `pooled` pools.")
    batch_norm: bool = Field(
        description="Whether VGG's convolutions are followed by batch normalization; only from random weights."
    )
    dropout: float = Field(ge=0, lt=1, description="Share of pooled features dropped before the heads.")
    l2: float = Field(
        ge=0, description="Weight of half the squared norm of all kernels in the loss; 0.0005 in VGG's paper."
    )
    train_layers: Text = Field(
        description="`all`, `heads`, or the name of the backbone's first layer that is trained; layers below are "
        "frozen."
    )
    layer_decay: float = Field(
        gt=0, le=1, description="Factor of the learning rate for each layer further from the heads; 1 for none."
    )
    heads: Annotated[list[Head], Field(min_length=1), BeforeValidator(unique)] = Field(
        description="What the model learns, jointly: AU occurrence, AU intensities where data sets have them, "
        "valence and arousal."
    )


class Losses(Section):
    """The loss of each head."""

    action_units: Literal["cross_entropy", "focal", "asymmetric"] = Field(
        description="Binary cross-entropy, focal loss (Lin et al. 2017) or asymmetric loss (Ridnik et al. 2021), "
        "each over known labels."
    )
    intensities: Literal["squared_error", "ordinal"] = Field(
        description='Squared error, or ordinal: cross-entropy of "stronger than" each level.'
    )
    valence_arousal: Literal["ccc", "ccc_bins"] = Field(
        description="1 - CCC plus squared error, or 1 - CCC plus cross-entropy of 20 bins (Deng et al. 2020)."
    )


class TaskWeights(Section):
    """Fixed weight of each head's loss."""

    action_units: float = Field(ge=0, description="Of AU occurrence.")
    intensities: float = Field(ge=0, description="Of AU intensities.")
    valence_arousal: float = Field(ge=0, description="Of valence and arousal.")


class Augmentation(Section):
    """Random changes of training images."""

    flip: bool = Field(description="Mirror half of the images.")
    crop: float = Field(ge=0, le=0.5, description="Largest share of the side that a random crop leaves out.")
    brightness: float = Field(ge=0, le=1, description="Largest shift as a share of the full range.")
    contrast: float = Field(ge=0, lt=1, description="Largest change of contrast as a share of 1.")
    saturation: float = Field(ge=0, lt=1, description="Largest change of saturation as a share of 1.")


class Fitting(Section):
    """The settings of a training that decide the weights; each may differ for a model."""

    seed: int = Field(ge=0, description="Offset added to a run's own seed.")
    epochs: Count = Field(description="Passes over the training images.")
    patience: Count = Field(description="Epochs without a better validation score after which training stops.")
    batch_size: Count = Field(description="Images in a step, on all GPUs together.")
    accumulate: Count = Field(
        description="Steps whose gradients make one update, on one GPU only; an incomplete last group is not used."
    )
    optimizer: Literal["sgd", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = Field(description="The update rule.")
    learning_rate: float = Field(
        gt=0, description="Peak step size; it rises linearly at first and then falls to zero as a cosine."
    )
    weight_decay: float = Field(
        ge=0, description="Decoupled weight decay (AdamW) or the same passed to the other optimizers."
    )
    warmup_fraction: float = Field(ge=0, le=1, description="Share of all steps in which the learning rate rises.")
    losses: Losses
    task_weighting: Literal["fixed", "learned"] = Field(
        description="Whether the weights of the heads' losses are fixed, or learned by their uncertainty (Kendall et "
        "al. 2018)."
    )
    task_weights: TaskWeights
    missing_labels: Literal["ignore", "negative"] = Field(
        description="Unknown AUs are left out of the loss (`ignore`), or, for comparison, taken as absent (`negative`)."
    )
    positive_weight_cap: float = Field(
        ge=1, description="An AU's positives weigh negatives/positives in the loss but at most this; 1 for no weights."
    )
    calibration: Literal["platt", "none"] = Field(
        description="`platt`: a scale and a shift of each AU's logit are fitted (Platt 1999); `none` "
        "leaves the probabilities as they are, too high by the weight of positives. Decisions are the same."
    )
    calibration_folds: Annotated[int, Field(ge=2, le=50)] | Literal[0] = Field(
        description="0 fits calibration and thresholds to the validation images. A number trains as many further "
        "networks, each without one part of the people of training and validation, and fits to what these say of their "
        "part: better where few people are in validation, as in DISFA's folds, and as many times longer."
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        description="`auto` is bfloat16 or float16 (with loss scaling) on a GPU that has it, float32 elsewhere."
    )
    xla: Literal["auto", "always", "never"] = Field(description="Whether XLA compiles the step; `auto` on GPUs.")
    augmentation: Augmentation


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
    def is_baseline(self) -> bool:
        """Whether the network is one of the two that models are to beat."""
        return self.backbone in BASELINES

    @property
    def fixed_task_weights(self) -> TaskWeights | None:
        """The weights of the heads' losses; None where they are learned."""
        return self.task_weights if self.task_weighting == "fixed" else None
