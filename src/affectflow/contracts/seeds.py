"""The JSON file of the scores of one model's seeds together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from affectflow.contracts.json_file import JsonFile, Part
from affectflow.contracts.score import AFFECT, REMEDY, Heading, Means, ProtocolUsed, Published


class OverSeeds(Part):
    """A metric over the seeds of one model."""

    mean: float | None
    standard_deviation: float | None
    """With n - 1; null for a single seed."""
    interval_low: float | None
    """Lower end of the 95% interval of the mean, by Student's t."""
    interval_high: float | None
    each: tuple[float | None, ...]
    """The values in the order of ``seeds``."""


LabelOverSeeds = Mapping[str, OverSeeds | int | float | str | tuple[float, ...] | None]
"""The metrics of a label over seeds; numbers that are of the labels alone, such as ``positives``, as they are."""


class FoldsOverSeeds(Part):
    """The folds of several seeds, as :class:`Folds`."""

    each: Mapping[str, Mapping[str, OverSeeds | float | None]]
    mean: Mapping[str, OverSeeds | float | None]


class SeedsFile(Means[OverSeeds | float], Heading, JsonFile):
    """The score of one model's seeds together, ``results/eval/{benchmark}[-{protocol}]_{model}-seeds.json``."""

    remedy: ClassVar[str] = REMEDY
    schema_version: Literal[2] = 2
    protocol: ProtocolUsed
    seeds: tuple[int, ...]
    scores: tuple[str, ...]
    """The seeds' score files."""
    action_units: Mapping[str, LabelOverSeeds]
    intensities: Mapping[str, LabelOverSeeds]
    valence: LabelOverSeeds | None
    arousal: LabelOverSeeds | None
    folds: FoldsOverSeeds | None = None
    unsupported: tuple[str, ...]
    unlabelled: tuple[str, ...]
    published_note: str
    published: tuple[Published, ...]

    def metric(self, name: str) -> OverSeeds | float | None:
        """Return one of the means, or ``valence_ccc`` or ``arousal_ccc``; None where it is undefined."""
        dimension = name.removesuffix("_ccc")
        if dimension in AFFECT:
            entry: LabelOverSeeds | None = getattr(self, dimension)
            found = None if entry is None else entry["ccc"]
            return found if isinstance(found, OverSeeds) else None
        value: OverSeeds | float | None = getattr(self, name, None)
        return value

    def interval(self, name: str) -> None:
        """Return None: the spread of a metric over seeds is in the metric itself."""
