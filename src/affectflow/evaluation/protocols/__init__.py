"""Protocols by which benchmarks are scored, one YAML file each: ``{benchmark}-{name}.yaml``.

A benchmark without a file is scored on all labels that it has, by the protocol ``all``. Score files name the protocol
and its version. A change that changes scores raises the version.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import StringConstraints

from affectflow import datasets, facs
from affectflow.contracts.json_file import Part, content_of
from affectflow.contracts.score import Published
from affectflow.core.errors import UserError
from affectflow.datasets.dataset_info import ACTION_UNITS, EXPRESSION, INTENSITIES, VALENCE_AROUSAL, DatasetInfo

UNITS, AFFECT = ACTION_UNITS, VALENCE_AROUSAL
"""What a protocol scores, by the names of the heads that predict it."""
MAJORITY = "majority"
ALL = "all"
_FOLDER = Path(__file__).parent


class Protocol(Part):
    """What of a benchmark is scored, and how: the content of a protocol's YAML file."""

    benchmark: str
    """Data set, from the file's name."""
    name: str
    """Unique for the benchmark, from the file's name."""
    default: bool = False
    """Whether it is the benchmark's default."""
    version: int
    """Raised with every change of scores."""
    title: str
    """One line that says what is scored."""
    source: str
    """Literature that the protocol follows."""
    subject: Literal["subject", "video", "group", "image"]
    """Column whose values are left out one by one for the intervals; a group is a person where that is known, else a
    video or an image with its near duplicates."""
    positive_if: str = ""
    """Condition for a positive label, as text."""
    units: tuple[int, ...] | Literal["all"] = ()
    """AUs whose occurrence is scored."""
    others: Mapping[str, int] = {}
    """Occurrence labels that are not AUs of FACS, with the AU whose prediction is scored."""
    rule: Literal["recorded", "majority"] = "recorded"
    """Occurrence as the data set gives it, or present where at least half of several coders recorded it."""
    intensities: tuple[int, ...] = ()
    """AUs whose intensity is scored."""
    expressions: str = ""
    """The table of emotions by which a model's AUs become one of Aff-Wild2's expressions, which are scored; empty where
    they are not. Other programs may predict expressions themselves."""
    affect: bool = False
    """Whether valence and arousal are scored."""
    left_out: str | None = None
    """CSV beside the protocol with frames that are not scored (``subject,first,last``, from 1, inclusive)."""
    left_out_from: Mapping[str, int] = {}
    """Percentages of coders, by what they saw, from which a frame is not scored, such as ``Trackerfail: 50``."""
    folds: bool = False
    """Whether runs are scored on the fold that they were not trained on, and pooled."""
    challenge: bool = False
    """Whether the mean of accuracy and F1 is reported too."""
    events: bool = False
    """Whether the F1 of events is reported too."""
    within_subject: bool = False
    """Whether the ranking of each person's own frames is reported too; ``subject`` is the person."""
    smoothing: int = 0
    """Number of frames (odd) over which predictions are averaged for a second result, 0 for none."""
    published_note: Annotated[str, StringConstraints(strip_whitespace=True)] = ""
    """How far published results are comparable."""
    published: tuple[Published, ...] = ()

    @property
    def labels(self) -> dict[str, int]:
        """Return the AU whose prediction is scored, by the name of each occurrence label."""
        units = range(1, facs.COUNT + 1) if self.units == "all" else self.units
        return {**self.others, **{facs.label(unit): unit for unit in units}}

    @property
    def left_out_file(self) -> Path | None:
        """Return the path of ``left_out``."""
        return None if self.left_out is None else _FOLDER / self.left_out

    @property
    def scores(self) -> set[str]:
        """Return the heads whose outputs are scored."""
        scored = {UNITS: self.labels or self.expressions, INTENSITIES: self.intensities, AFFECT: self.affect}
        return {head for head, labels in scored.items() if labels}

    @property
    def labelled(self) -> set[str]:
        """Return the kinds of labels that are scored."""
        return {EXPRESSION} if self.expressions else self.scores

    @property
    def target(self) -> str:
        """Return the part of a score file's name for benchmark and protocol."""
        return self.benchmark if default(self.benchmark) == self.name else f"{self.benchmark}-{self.name}"


def protocols(benchmark: str) -> dict[str, Protocol]:
    """Return the protocols of a benchmark by name, its default first."""
    return _all()[benchmark]


def protocol(benchmark: str, name: str = "") -> Protocol:
    """Return a protocol of a benchmark by its name.

    Args:
        benchmark: name of the benchmark.
        name: name of the protocol, also as ``{benchmark}-{name}``; empty for the benchmark's default.

    Raises:
        UserError: the benchmark or the protocol is unknown.
    """
    if benchmark not in _all():
        raise UserError(f"There is no benchmark {benchmark!r}; known are {', '.join(_all())}.")
    known = protocols(benchmark)
    name = "" if name == benchmark else name.removeprefix(f"{benchmark}-")
    if name and name not in known:
        raise UserError(f"{benchmark} has no protocol {name!r}; known are {', '.join(known)}.")
    return known[name or default(benchmark)]


def default(benchmark: str) -> str:
    """Return the name of a benchmark's default protocol."""
    return next(iter(_all()[benchmark]))


@cache
def _all() -> dict[str, dict[str, Protocol]]:
    found: dict[str, dict[str, Protocol]] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        benchmark, _, name = path.stem.partition("-")
        values = {"benchmark": benchmark, "name": name, **yaml.safe_load(path.read_text(encoding="utf-8"))}
        found.setdefault(benchmark, {})[name] = content_of(Protocol, values, path, "correct this protocol")
    for benchmark in datasets.benchmarks():
        if benchmark not in found:
            found[benchmark] = {ALL: _all_labels(datasets.info(benchmark))}
    return {
        benchmark: dict(sorted(entries.items(), key=lambda item: not item[1].default))
        for benchmark, entries in found.items()
    }


def _all_labels(facts: DatasetInfo) -> Protocol:
    """Return the protocol of a benchmark that no file describes."""
    return Protocol(
        benchmark=facts.name,
        name=ALL,
        default=True,
        version=1,
        title=f"all labels of {facts.title}",
        source=facts.citation or "the labels of the configured folder",
        subject="group",
        positive_if="label 1" if UNITS in facts.heads else "",
        units="all" if UNITS in facts.heads else (),
        intensities=tuple(range(1, facs.COUNT + 1)) if INTENSITIES in facts.heads else (),
        affect=AFFECT in facts.heads,
    )
