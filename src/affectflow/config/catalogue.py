"""The catalogue of models: the keys of ``models`` and ``model_defaults``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, create_model

from affectflow import datasets
from affectflow.contracts.recipe import Fitting, Network
from affectflow.core.settings import Section, Text, canonical_path, unique

if TYPE_CHECKING:
    TrainingSet = str
else:
    TrainingSet = Literal[datasets.training_sets()]


NO_WEIGHTS, IMAGENET = "none", "imagenet"


def _canonical_weights(text: str) -> str:
    return text if text in (NO_WEIGHTS, IMAGENET) else canonical_path(text)


class ModelDefaults(Network):
    """What all models have in common, unless their entry differs."""

    enabled: bool = Field(description="Whether the model is trained without being requested by name.")
    leave_one_out: bool = Field(
        description="Whether a run is trained without each of its data sets, too, and scored on that one: "
        "`{model}-without-{dataset}`. `results/eval/across_{model}.csv` requests these runs by itself."
    )
    gpus: int = Field(
        ge=0,
        description="GPUs of one machine that a training takes, if there are any, not shared with other trainings; 0 "
        "takes none.",
    )
    weights: Annotated[Text, AfterValidator(_canonical_weights)] = Field(
        description="`none` for random, `imagenet`, or the path of a Keras weights file without top."
    )
    action_units: Literal["all", "emotionet2017", "emotionet2018", "emotionet2020"] = Field(
        description="The AUs that it learns: `all` that its data sets label, or those of an EmotioNet challenge."
    )


def _optional(model: type[Section], name: str) -> type[Section]:
    """Return a model of the same keys, each of which may be missing (but not null)."""
    fields: Any = {
        key: (
            Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
            Field(default=None, description=field.description),
        )
        for key, field in model.model_fields.items()
    }
    return create_model(name, __base__=Section, **fields)


_ModelDefaultsPart = _optional(ModelDefaults, "ModelDefaultsPart")
_FittingPart = _optional(Fitting, "FittingPart")


class ModelEntry(_ModelDefaultsPart):  # type: ignore[misc, valid-type]
    """The catalogue: a name (letters, digits, underscores) and its model; keys of `model_defaults` may be set, too."""

    backbone: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="The network below the heads: `vgg16`, `resnet50`, `resnet50v2`, `inception_resnet_v2` or "
        "another class of `keras.applications`; `efficientnet_lite0`, or `efficientnet_lite0_middle`, its first eleven "
        "blocks; `constant` and `grey_pixels` (16 x 16 grey values) are "
        "baselines.",
    )
    input_size: int = Field(ge=32, description="Side in pixels that images are scaled to (Inception-ResNet needs 75).")
    train_on: (
        Annotated[list[TrainingSet], Field(min_length=1), BeforeValidator(unique)]
        | Annotated[dict[TrainingSet, Annotated[float, Field(gt=0)]], Field(min_length=1)]
    ) = Field(
        description="Data sets that it learns from, as a list, or with their shares of every batch: `{emotionet: "
        "0.7, affwild: 0.3}`."
    )
    seeds: Annotated[list[Annotated[int, Field(ge=0, le=4294967295)]], Field(min_length=1), BeforeValidator(unique)] = (
        Field(description="One training job each; the first is the default run, the others are `{model}-seed{n}`.")
    )
    training: _FittingPart = Field(  # type: ignore[valid-type]
        default=None,
        description="Keys of `training` that differ for this model; not `cache_records`, `checkpoint_minutes` and "
        "`tensorboard`.",
    )


class Model(ModelDefaults):
    """An entry of the catalogue with the defaults that it does not change.

    Attributes:
        train_on: Data sets that it learns from.
        shares: Their shares of every batch; None for shares as their numbers of images.
        seeds: Of its runs, the first the default run's.
        fitting: How its runs are trained.
    """

    backbone: str
    input_size: int
    train_on: list[str]
    shares: dict[str, float] | None
    seeds: list[int]
    fitting: Fitting


def complete(entry: ModelEntry, defaults: ModelDefaults, training: Fitting) -> Model:
    """Return an entry with the defaults that it does not change.

    Args:
        entry: The model's entry.
        defaults: The section ``model_defaults``.
        training: The section ``training``, or another with its keys.
    """
    values = {**defaults.model_dump(), **entry.model_dump(exclude_unset=True)}
    changes = values.pop("training", {})
    fitting = {**training.model_dump(include=set(Fitting.model_fields)), **changes}
    shares = dict(entry.train_on) if isinstance(entry.train_on, dict) else None
    return Model(**{**values, "train_on": list(entry.train_on), "shares": shares, "fitting": fitting})
