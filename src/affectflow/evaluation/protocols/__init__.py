"""Protocols by which benchmarks are scored, one YAML file each: ``{benchmark}-{name}.yaml``.

Score files name the protocol and its version. A change that changes scores raises the version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL

UNITS, AFFECT = ACTION_UNITS, VALENCE_AROUSAL
"""What a protocol scores, by the names of the heads that predict it."""
RECORDED, MAJORITY = "recorded", "majority"
"""Rules for occurrence: as the data set gives it, or present where at least half of several coders recorded it."""
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Published:
    """A published result by the protocol; ``metric`` as in the score file."""

    model: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Protocol:
    """What of a benchmark is scored, and how.

    Attributes:
        benchmark: data set.
        name: of the protocol, unique for the benchmark.
        version: raised with every change of scores.
        title: one line that says what is scored.
        source: literature that the protocol follows.
        subject: column whose values are the clusters of the bootstrap: ``subject``, ``video``, ``group`` or ``image``.
        positive_if: condition for a positive label, as text.
        labels: AU whose prediction is scored, by the name of each occurrence label.
        rule: for occurrence, :data:`RECORDED` or :data:`MAJORITY`.
        intensities: AUs whose intensity is scored.
        affect: whether valence and arousal are scored.
        left_out: list of frames that are not scored (``subject,first,last``, from 1, inclusive).
        folds: whether runs are scored on the fold that they were not trained on, and pooled.
        challenge: whether the mean of accuracy and F1 is reported too.
        events: whether the F1 of events is reported too.
        smoothing: number of frames (odd) over which predictions are averaged for a second result, 0 for none.
        published_note: how far published results are comparable.
        published: results.
    """

    benchmark: str
    name: str
    version: int
    title: str
    source: str
    subject: str
    positive_if: str
    labels: Mapping[str, int]
    rule: str
    intensities: tuple[int, ...]
    affect: bool
    left_out: Path | None
    folds: bool
    challenge: bool
    events: bool
    smoothing: int
    published_note: str
    published: tuple[Published, ...]

    @property
    def scores(self) -> set[str]:
        """Return the heads whose outputs are scored."""
        scored = {UNITS: self.labels, INTENSITIES: self.intensities, AFFECT: self.affect}
        return {head for head, labels in scored.items() if labels}

    @property
    def target(self) -> str:
        """Return the part of a score file's name for benchmark and protocol."""
        return self.benchmark if default(self.benchmark) == self.name else f"{self.benchmark}-{self.name}"


def protocols(benchmark: str) -> dict[str, Protocol]:
    """Return the protocols of a benchmark by name, its default first."""
    return {name: _protocol(benchmark, name, entry) for name, entry in _entries()[benchmark].items()}


def protocol(benchmark: str, name: str = "") -> Protocol:
    """Return a protocol, without a name the benchmark's default; raises :class:`UserError` for unknown names."""
    if benchmark not in _entries():
        raise UserError(f"There is no benchmark {benchmark!r}; known are {', '.join(_entries())}.")
    known = protocols(benchmark)
    if name and name not in known:
        raise UserError(f"{benchmark} has no protocol {name!r}; known are {', '.join(known)}.")
    return known[name or default(benchmark)]


def default(benchmark: str) -> str:
    """Return the name of a benchmark's default protocol."""
    return next(iter(_entries()[benchmark]))


@cache
def _entries() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        benchmark, _, name = path.stem.partition("-")
        found.setdefault(benchmark, {})[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        benchmark: dict(sorted(entries.items(), key=lambda item: not item[1].get("default", False)))
        for benchmark, entries in found.items()
    }


def _protocol(benchmark: str, name: str, entry: Mapping[str, Any]) -> Protocol:
    units = range(1, facs.COUNT + 1) if entry.get("units") == "all" else entry.get("units", ())
    return Protocol(
        benchmark,
        name,
        version=entry["version"],
        title=entry["title"],
        source=entry["source"],
        subject=entry["subject"],
        positive_if=entry.get("positive_if", ""),
        labels={**entry.get("others", {}), **{facs.label(unit): unit for unit in units}},
        rule=entry.get("rule", RECORDED),
        intensities=tuple(entry.get("intensities", ())),
        affect=entry.get("affect", False),
        left_out=_FOLDER / entry["left_out"] if "left_out" in entry else None,
        folds=entry.get("folds", False),
        challenge=entry.get("challenge", False),
        events=entry.get("events", False),
        smoothing=entry.get("smoothing", 0),
        published_note=entry.get("published_note", "").strip(),
        published=tuple(Published(**figure) for figure in entry.get("published", ())),
    )
