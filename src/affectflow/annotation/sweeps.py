"""One annotator's traces of films: values at frames, as they were made while the film played, the latest counting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.annotation.appended import Appended, broken, facts_of
from affectflow.errors import UserError

Point = tuple[float | None, float | None]
"""Valence and arousal in [-1, 1]; None where it was not traced."""
Traces = dict[int, dict[int, Point]]
"""By batch and frame (from 1)."""


class Sweeps(Appended):
    """Of one annotator. Going back and tracing again overwrites, frame by frame and dimension by dimension."""

    file_name = "films.jsonl"
    of = "films"

    def __init__(self, path: Path, annotator: str) -> None:
        self._traces: Traces = {}
        self._cuts: dict[int, str] = {}
        super().__init__(path, annotator)

    def trace(self, batch: int, digests: Sequence[str]) -> Mapping[int, Point]:
        """By frame; raises :class:`UserError` where the batch had other images when it was traced."""
        if self._cuts.get(batch, cut_of(digests)) != cut_of(digests):
            raise UserError(
                f"{self._path} traces other pictures than batch {batch} has now; restore that manifest, or move the "
                "file away."
            )
        return self._traces.get(batch, {})

    def sweep(self, batch: int, points: Sequence[Any], digests: Sequence[str]) -> None:
        """Keep points ``[frame, valence, arousal]`` of a batch of such images; raises :class:`ValueError` for what is
        none, and :class:`UserError` where it cannot be kept."""
        checked = points_of(points, len(digests))
        self.trace(batch, digests)
        self._append({"kind": "sweep", "batch": batch, "cut": cut_of(digests), "points": points})
        self._cuts[batch] = cut_of(digests)
        _lay(self._traces, batch, checked)

    def _restore(self, lines: Sequence[str]) -> None:
        self._traces, self._cuts = traces_of(self._path, lines)


def cut_of(digests: Sequence[str]) -> str:
    """A digest of the images of a batch, in their order, by their SHA-256."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def traces_of(path: Path, lines: Sequence[str]) -> tuple[Traces, dict[int, str]]:
    """What counts of a file's lines, and of each batch the cut; raises :class:`UserError`."""
    traces: Traces = {}
    cuts: dict[int, str] = {}
    for number, facts in facts_of(path, lines):
        try:
            batch = facts["batch"]
            if type(batch) is not int or not isinstance(facts["cut"], str):
                raise ValueError("the batch is none")
            if cuts.setdefault(batch, facts["cut"]) != facts["cut"]:
                raise ValueError("the batch had other pictures before")
            _lay(traces, batch, points_of(facts["points"]))
        except (ValueError, KeyError, TypeError) as error:
            raise broken(path, number, error) from None
    return traces, cuts


def points_of(points: Any, frames: float = math.inf) -> Mapping[int, Point]:
    """Raises :class:`ValueError` for what are no points of a film with so many frames."""
    found: dict[int, Point] = {}
    if not isinstance(points, list):
        raise ValueError("there are no points")
    for point in points:
        if not isinstance(point, list) or len(point) != 3 or type(point[0]) is not int or not 1 <= point[0] <= frames:
            raise ValueError("a point is not a frame with two values")
        valence, arousal = (_value(value) for value in point[1:])
        found[point[0]] = (valence, arousal)
    return found


def _value(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise ValueError("a value is no number from -1 to 1")
    return float(value)


def _lay(traces: Traces, batch: int, points: Mapping[int, Point]) -> None:
    """Over what was there."""
    track = traces.setdefault(batch, {})
    for frame, (valence, arousal) in points.items():
        before = track.get(frame, (None, None))
        track[frame] = (before[0] if valence is None else valence, before[1] if arousal is None else arousal)
