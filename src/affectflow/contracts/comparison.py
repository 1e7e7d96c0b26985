"""The JSON file of the differences between two models by one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from affectflow.contracts.json_file import JsonFile, Part
from affectflow.contracts.score import REMEDY, Heading, Interval, Means, ProtocolHeading


class Difference(Part):
    """A metric of two models on the same frames."""

    model: float
    other: float
    difference: float
    interval: Interval | None
    """95% interval of the difference, by a paired jackknife; null where there is none."""
    no_interval: str | None = None
    """Why."""
    p: float | None = None
    """Probability of a difference as large where there is none, two-sided, by the same jackknife."""
    p_holm: float | None = None
    """The same, corrected for the number of labels (Holm 1979)."""


class ComparisonFile(Means[Difference], Heading, JsonFile):
    """The differences of two models, ``results/eval/{benchmark}[-{protocol}]_{model}-vs-{other}.json``."""

    remedy: ClassVar[str] = REMEDY
    schema_version: Literal[2] = 2
    other: str
    protocol: ProtocolHeading
    action_units: Mapping[str, Mapping[str, Difference]]
    intensities: Mapping[str, Mapping[str, Difference]]
    valence: Mapping[str, Difference] | None = None
    arousal: Mapping[str, Difference] | None = None
    not_shared: tuple[str, ...]
    """Labels that only one of the models was trained on."""
