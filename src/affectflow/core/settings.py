"""Typed settings of the configuration: their base, and types that come up often."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A map of the configuration: no unknown keys, no conversion of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


def unique(values: Any) -> Any:
    if isinstance(values, list) and len({str(value) for value in values}) < len(values):
        raise ValueError("it names something twice")
    return values


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Head = Literal["action_units", "intensities", "valence_arousal"]
