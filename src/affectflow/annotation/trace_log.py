"""Trace log: one annotator's traces of videos, as values at frames that are sent while the video plays."""

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
"""Valence and arousal in [-1, 1]; None if not traced."""


@dataclass(slots=True)
class RecordedTraces:
    """The content of a trace log.

    Attributes:
        tracks: Points by video and frame (from 1).
        content_digests: :func:`content_digest` by video.
    """

    tracks: dict[str, dict[int, Point]] = field(default_factory=dict)
    content_digests: dict[str, str] = field(default_factory=dict)

    def overwrite(self, video: str, points: Mapping[int, Point]) -> None:
        """Replace the values at some frames of a video.

        Args:
            video: Name of the video.
            points: Points by frame (from 1); a value that is None leaves the former one.
        """
        track = self.tracks.setdefault(video, {})
        for frame, (valence, arousal) in points.items():
            before = track.get(frame, (None, None))
            track[frame] = (before[0] if valence is None else valence, before[1] if arousal is None else arousal)

    def copy(self) -> RecordedTraces:
        """Return a copy that can be read while more is traced."""
        tracks = {video: dict(track) for video, track in self.tracks.items()}
        return RecordedTraces(tracks, dict(self.content_digests))


class TraceLog(AppendLog):
    """The trace log of one annotator; tracing again overwrites each frame and dimension that is traced."""

    file_name = "videos.jsonl"
    of = "videos"

    def __init__(self, path: Path, annotator: str) -> None:
        self.traced = RecordedTraces()
        super().__init__(path, annotator)

    def points(self, video: str, digest: str) -> Mapping[int, Point]:
        """Return the points of a video by frame.

        Args:
            video: Name of the video.
            digest: Its :func:`content_digest`.

        Raises:
            UserError: The video had other images when it was traced.
        """
        if self.traced.content_digests.get(video, digest) != digest:
            raise UserError(
                f"{self._path} traces other images than {video} has now; restore the former video, or move this file "
                "elsewhere."
            )
        return self.traced.tracks.get(video, {})

    def trace(self, video: str, points: Sequence[Any], digest: str, frames: int) -> None:
        """Append a segment of a trace; it is on disk when this returns.

        Args:
            video: Name of the video.
            points: ``[frame, valence, arousal]`` each.
            digest: The video's :func:`content_digest`.
            frames: Number of frames of the video.

        Raises:
            ValueError: The points are invalid.
            UserError: The video had other images when it was traced, or the file cannot be written.
        """
        checked = parse_points(points, frames)
        self.points(video, digest)
        self._append({"kind": "trace", "video": video, "content_digest": digest, "points": points})
        self.traced.content_digests[video] = digest
        self.traced.overwrite(video, checked)

    def _restore(self, lines: Sequence[str]) -> None:
        self.traced = parse_traces(self._path, lines)


class OwnVideoTraceLog(TraceLog):
    """The trace log of the user's own videos, a file of its own because they are merged separately."""

    file_name = "own_videos.jsonl"


def read_traces(path: Path) -> RecordedTraces:
    """Read a trace log that another process may be writing."""
    return parse_traces(path, whole_lines(path, path.read_bytes()))


def content_digest(digests: Sequence[str]) -> str:
    """Return a digest of a video's content.

    Args:
        digests: SHA-256 of the images of an annotation video in their order, or of the file of another video.
    """
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def parse_traces(path: Path, lines: Sequence[str]) -> RecordedTraces:
    """Parse the lines of a trace log.

    Args:
        path: The file, for messages.
        lines: Its lines, the header first.

    Raises:
        UserError: A line is invalid.
    """
    traced = RecordedTraces()
    for number, data in facts_of(path, lines):
        try:
            video, digest = data["video"], data["content_digest"]
            if not isinstance(video, str) or not isinstance(digest, str):
                raise ValueError("the video is invalid")
            if traced.content_digests.setdefault(video, digest) != digest:
                raise ValueError("the video has other images than in an earlier line")
            traced.overwrite(video, parse_points(data["points"]))
        except (ValueError, KeyError, TypeError) as error:
            raise broken(path, number, error) from None
    return traced


def parse_points(points: Any, frames: float = math.inf) -> Mapping[int, Point]:
    """Check and convert the points of a trace.

    Args:
        points: A list of ``[frame, valence, arousal]``: frames from 1, values in [-1, 1] or None.
        frames: Number of frames of the video.

    Raises:
        ValueError: The points are invalid.
    """
    found: dict[int, Point] = {}
    if not isinstance(points, list):
        raise ValueError("the points are not a list")
    for point in points:
        if not isinstance(point, list) or len(point) != 3 or type(point[0]) is not int or not 1 <= point[0] <= frames:
            raise ValueError("a point is not a frame of the video with two values")
        valence, arousal = (_check_value(value) for value in point[1:])
        found[point[0]] = (valence, arousal)
    return found


def _check_value(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise ValueError("a value is not a number from -1 to 1")
    return float(value)
