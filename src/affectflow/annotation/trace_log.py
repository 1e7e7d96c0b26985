"""One annotator's traces of videos: values at frames, as they were made while the video played, the latest counting."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from affectflow.core.append_log import AppendLog, broken, facts_of, whole_lines
from affectflow.core.errors import UserError

Point = tuple[float | None, float | None]
"""Valence and arousal in [-1, 1]; None where it was not traced."""


@dataclass(slots=True)
class Traced:
    """``tracks`` by video and frame (from 1); ``cuts``, of each video, see :func:`cut_of`."""

    tracks: dict[str, dict[int, Point]] = field(default_factory=dict)
    cuts: dict[str, str] = field(default_factory=dict)

    def lay(self, video: str, points: Mapping[int, Point]) -> None:
        """Over what was there."""
        track = self.tracks.setdefault(video, {})
        for frame, (valence, arousal) in points.items():
            before = track.get(frame, (None, None))
            track[frame] = (before[0] if valence is None else valence, before[1] if arousal is None else arousal)

    def copy(self) -> Traced:
        """Which may be read while more is traced."""
        return Traced({video: dict(track) for video, track in self.tracks.items()}, dict(self.cuts))


class TraceLog(AppendLog):
    """Of one annotator. Going back and tracing again overwrites, frame by frame and dimension by dimension."""

    file_name = "videos.jsonl"
    of = "videos"

    def __init__(self, path: Path, annotator: str) -> None:
        self.traced = Traced()
        super().__init__(path, annotator)

    def trace(self, video: str, cut: str) -> Mapping[int, Point]:
        """By frame; raises :class:`UserError` where the video had other images (see :func:`cut_of`) when it was
        traced."""
        if self.traced.cuts.get(video, cut) != cut:
            raise UserError(
                f"{self._path} traces other images than {video} has now; restore those, or move the file away."
            )
        return self.traced.tracks.get(video, {})

    def sweep(self, video: str, points: Sequence[Any], cut: str, frames: int) -> None:
        """Keep points ``[frame, valence, arousal]`` of a video of so many frames; raises :class:`ValueError` for what is
        none, and :class:`UserError` where it cannot be kept."""
        checked = points_of(points, frames)
        self.trace(video, cut)
        self._append({"kind": "sweep", "video": video, "cut": cut, "points": points})
        self.traced.cuts[video] = cut
        self.traced.lay(video, checked)

    def _restore(self, lines: Sequence[str]) -> None:
        self.traced = traced_in(self._path, lines)


class OwnVideoTraceLog(TraceLog):
    """Of videos of one's own, which are no batches; kept apart, because they are merged apart."""

    file_name = "own_videos.jsonl"


def read_traces(path: Path) -> Traced:
    """Of a file that another process may be writing."""
    return traced_in(path, whole_lines(path, path.read_bytes()))


def cut_of(digests: Sequence[str]) -> str:
    """A digest of a video: of the SHA-256 of the images of a batch, in their order, or of a video's file."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def traced_in(path: Path, lines: Sequence[str]) -> Traced:
    """What counts of a file's lines; raises :class:`UserError`."""
    traced = Traced()
    for number, facts in facts_of(path, lines):
        try:
            video, cut = facts["video"], facts["cut"]
            if not isinstance(video, str) or not isinstance(cut, str):
                raise ValueError("the video is none")
            if traced.cuts.setdefault(video, cut) != cut:
                raise ValueError("the video had other images before")
            traced.lay(video, points_of(facts["points"]))
        except (ValueError, KeyError, TypeError) as error:
            raise broken(path, number, error) from None
    return traced


def points_of(points: Any, frames: float = math.inf) -> Mapping[int, Point]:
    """Raises :class:`ValueError` for what are no points of a video with so many frames."""
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
