"""One annotator's traces of films: values at frames, as they were made while the film played, the latest counting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from affectflow.annotation.appended import Appended, broken, facts_of, whole_lines
from affectflow.errors import UserError

Point = tuple[float | None, float | None]
"""Valence and arousal in [-1, 1]; None where it was not traced."""
Traces = dict[str, dict[int, Point]]
"""By film and frame (from 1)."""


class Sweeps(Appended):
    """Of one annotator. Going back and tracing again overwrites, frame by frame and dimension by dimension."""

    file_name = "films.jsonl"
    of = "films"

    def __init__(self, path: Path, annotator: str) -> None:
        self._traces: Traces = {}
        self._cuts: dict[str, str] = {}
        super().__init__(path, annotator)

    @property
    def traces(self) -> Traces:
        return self._traces

    def trace(self, film: str, cut: str) -> Mapping[int, Point]:
        """By frame; raises :class:`UserError` where the film had other pictures (see :func:`cut_of`) when it was
        traced."""
        if self._cuts.get(film, cut) != cut:
            raise UserError(
                f"{self._path} traces other pictures than {film} has now; restore those, or move the file away."
            )
        return self._traces.get(film, {})

    def sweep(self, film: str, points: Sequence[Any], cut: str, frames: int) -> None:
        """Keep points ``[frame, valence, arousal]`` of a film of so many frames; raises :class:`ValueError` for what is
        none, and :class:`UserError` where it cannot be kept."""
        checked = points_of(points, frames)
        self.trace(film, cut)
        self._append({"kind": "sweep", "film": film, "cut": cut, "points": points})
        self._cuts[film] = cut
        _lay(self._traces, film, checked)

    def _restore(self, lines: Sequence[str]) -> None:
        self._traces, self._cuts = traces_of(self._path, lines)


class ClipSweeps(Sweeps):
    """Of films of one's own, which are no batches; kept apart, because they are merged apart."""

    file_name = "clips.jsonl"


def read_traces(path: Path) -> Traces:
    """Of a file that another process may be writing."""
    return traces_of(path, whole_lines(path, path.read_bytes()))[0]


def cut_of(digests: Sequence[str]) -> str:
    """A digest of a film: of the SHA-256 of the images of a batch, in their order, or of a film's file."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def traces_of(path: Path, lines: Sequence[str]) -> tuple[Traces, dict[str, str]]:
    """What counts of a file's lines, and of each film the cut; raises :class:`UserError`."""
    traces: Traces = {}
    cuts: dict[str, str] = {}
    for number, facts in facts_of(path, lines):
        try:
            film, cut = facts["film"], facts["cut"]
            if not isinstance(film, str) or not isinstance(cut, str):
                raise ValueError("the film is none")
            if cuts.setdefault(film, cut) != cut:
                raise ValueError("the film had other pictures before")
            _lay(traces, film, points_of(facts["points"]))
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


def _lay(traces: Traces, film: str, points: Mapping[int, Point]) -> None:
    """Over what was there."""
    track = traces.setdefault(film, {})
    for frame, (valence, arousal) in points.items():
        before = track.get(frame, (None, None))
        track[frame] = (before[0] if valence is None else valence, before[1] if arousal is None else arousal)
