"""Logs of ``affectflow annotate``: ratings of images and traces of videos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from affectflow.annotation.formats.text import Text
from affectflow.annotation.rating_log import parse_ratings
from affectflow.annotation.recording import DIMENSIONS, Export, ImageRating, Interpolation, Recording
from affectflow.annotation.trace_log import TraceLog, parse_traces
from affectflow.core.append_log import FORM

TOOL = "affectflow"


def matches(text: Text) -> bool:
    """Return whether the first line is the header of a log."""
    return text.lines[0].startswith("{") and f'"{FORM}"' in text.lines[0][:40]


def read(text: Text) -> list[Export]:
    """Read the ratings of each image, or a recording for each dimension of each traced video.

    The first line names the annotator. A last line that is incomplete is ignored, as the annotation server does.
    """
    lines = text.lines if _is_complete(text.lines[-1]) else text.lines[:-1]
    first = json.loads(lines[0]) if lines and _is_complete(lines[0]) else {}
    annotator = str(first.get("annotator", ""))
    read_lines = _traces if first.get("of") == TraceLog.of else _ratings
    return read_lines(text.path, lines, annotator)


def _ratings(path: Path, lines: Sequence[str], annotator: str) -> list[Export]:
    recorded = parse_ratings(path, lines)
    counted = [(rating, False) for rating in recorded.by_image.values()]
    repeated = [(repeat, True) for _, repeat in recorded.repeats.values()]
    return [
        ImageRating(
            path=path,
            tool=TOOL,
            location=f"annotation video {rating.annotation_video}, frame {rating.frame}",
            image=rating.file_name,
            dimension=dimension,
            value=value,
            annotator=annotator,
            sha256=rating.image_sha256,
            is_repeat=is_repeat,
            after_prediction=rating.shown_prediction is not None,
        )
        for rating, is_repeat in counted + repeated
        for dimension, value in zip(DIMENSIONS, (rating.valence, rating.arousal), strict=True)
        if value is not None
    ]


def _traces(path: Path, lines: Sequence[str], annotator: str) -> list[Export]:
    recordings: list[Export] = []
    traced = parse_traces(path, lines)
    for video, track in traced.tracks.items():
        for place, dimension in enumerate(DIMENSIONS):
            points = [(frame, point[place]) for frame, point in sorted(track.items()) if point[place] is not None]
            if points:
                frames, values = np.array(points, np.float64).T
                recording = Recording(
                    path=path,
                    tool=TOOL,
                    interpolation=Interpolation.PER_FRAME,
                    positions=frames,
                    values=values,
                    lines=np.zeros(len(points), np.int64),
                    limits=(-1.0, 1.0),
                    dimension=dimension,
                    annotator=annotator,
                    video=video,
                    content_digest=traced.content_digests[video],
                )
                recordings.append(recording)
    return recordings


def _is_complete(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
