"""The files of ``affectflow annotate``: judgements of images, traces of videos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from affectflow.annotation.formats.text import Text
from affectflow.annotation.rating_log import kept_in
from affectflow.annotation.recording import DIMENSIONS, Course, Export, Mark, Recording
from affectflow.annotation.trace_log import TraceLog, traced_in
from affectflow.core.append_log import FORM

TOOL = "affectflow"


def is_one(text: Text) -> bool:
    return text.lines[0].startswith("{") and f'"{FORM}"' in text.lines[0][:40]


def read(text: Text) -> list[Export]:
    """Two marks for each image whose last judgement has values, and two more if it was shown a second time; a
    recording for each traced dimension of a video.

    The annotator is the one of the first line. A line that a kill broke off is left out, as the annotation does itself.
    """
    lines = text.lines if _is_whole(text.lines[-1]) else text.lines[:-1]
    first = json.loads(lines[0]) if lines and _is_whole(lines[0]) else {}
    annotator = str(first.get("annotator", ""))
    read_lines = _videos if first.get("of") == TraceLog.of else _images
    return read_lines(text.path, lines, annotator)


def _images(path: Path, lines: Sequence[str], annotator: str) -> list[Export]:
    kept = kept_in(path, lines)
    counted = [(one, False) for one in kept.judgements.values()]
    repeated = [(second, True) for _, second in kept.repeats.values()]
    marks: list[Export] = []
    for one, again in counted + repeated:
        where = f"batch {one.batch}, frame {one.frame}"
        for dimension, value in zip(DIMENSIONS, (one.valence, one.arousal), strict=True):
            if value is not None:
                facts = (path, TOOL, where, one.file_name, dimension, value, annotator)
                marks.append(Mark(*facts, sha256=one.image_sha256, again=again, after_prediction=one.shown is not None))
    return marks


def _videos(path: Path, lines: Sequence[str], annotator: str) -> list[Export]:
    recordings: list[Export] = []
    traced = traced_in(path, lines)
    for video, track in traced.tracks.items():
        for place, dimension in enumerate(DIMENSIONS):
            points = [(frame, point[place]) for frame, point in sorted(track.items()) if point[place] is not None]
            if points:
                at, values = np.array(points, np.float64).T
                where = np.zeros(len(points), np.int64)
                facts = (path, TOOL, Course.FRAMES, at, values, where, (-1.0, 1.0), dimension, annotator)
                recordings.append(Recording(*facts, video=video, cut=traced.cuts[video]))
    return recordings


def _is_whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
