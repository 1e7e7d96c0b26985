"""How benchmarks are scored: one data file for each protocol, ``{benchmark}-{name}.yaml``.

A score names its protocol and version. What changes a score raises the version.
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

UNITS, INTENSITIES, AFFECT = "action_units", "intensities", "valence_arousal"
"""What a protocol scores, by the names of the heads that learn it."""
RECORDED, MAJORITY = "recorded", "majority"
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Published:
    """A figure that others report for the protocol; ``measure`` as the score file names it."""

    model: str
    measure: str
    value: float


@dataclass(frozen=True, slots=True)
class Protocol:
    """``labels`` maps the name of each occurrence label to the AU whose output is scored by it.

    ``intensities`` are the AUs whose intensity is scored, ``affect`` says whether valence and arousal are.
    ``rule`` is ``recorded``, where occurrence is what the data set says, or ``majority``, where it is what at least
    half of several coders saw. ``left_out`` lists frames that do not count (``subject,first,last``, from 1,
    inclusive). ``subject`` is what is drawn together in a bootstrap: ``subject``, ``video``, ``group`` or
    ``image``. With ``folds``, runs that were trained without a fold are scored on it and pooled. ``challenge``
    asks for the mean of accuracy and F1 too, ``events`` for the F1 of events. ``smoothing`` is the number of frames
    (odd) that outputs are averaged over for a second result beside the raw one, 0 for none. ``published_note`` says
    why what others report is not comparable, or what it is of.
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
        """The heads whose outputs it scores."""
        asked = {UNITS: self.labels, INTENSITIES: self.intensities, AFFECT: self.affect}
        return {head for head, wanted in asked.items() if wanted}

    @property
    def target(self) -> str:
        """What stands for benchmark and protocol in the name of a score file."""
        return self.benchmark if default(self.benchmark) == self.name else f"{self.benchmark}-{self.name}"


def protocols(benchmark: str) -> dict[str, Protocol]:
    """The protocols of a benchmark by name, its default first."""
    return {name: _protocol(benchmark, name, entry) for name, entry in _entries()[benchmark].items()}


def protocol(benchmark: str, name: str = "") -> Protocol:
    """One of them, by default the default; raises :class:`UserError` for an unknown one."""
    if benchmark not in _entries():
        raise UserError(f"There is no benchmark {benchmark!r}; known are {', '.join(_entries())}.")
    known = protocols(benchmark)
    if name and name not in known:
        raise UserError(f"{benchmark} has no protocol {name!r}; known are {', '.join(known)}.")
    return known[name or default(benchmark)]


def default(benchmark: str) -> str:
    """The name of a benchmark's default protocol."""
    return next(iter(_entries()[benchmark]))


@cache
def _entries() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        benchmark, _, name = path.stem.partition("-")
        found.setdefault(benchmark, {})[name] = yaml.safe_load(path.read_text(encoding="utf-8"))
    first = {
        benchmark: sorted(entries.items(), key=lambda item: not item[1].get("default", False))
        for benchmark, entries in found.items()
    }
    return {benchmark: dict(entries) for benchmark, entries in first.items()}


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
