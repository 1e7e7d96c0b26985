"""What tools exported -> tracks: one dimension of one batch by one annotator, at the batch's frames.

Files are told apart by their content (:mod:`affectflow.annotation.formats`). Which batch, dimension and annotator a
file is about stands in it, or in its name: ``batch_001_valence.txt`` in a folder of the annotator's name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.formats import read_export
from affectflow.annotation.formats.own import TOOL as OWN_TOOL
from affectflow.annotation.recording import DIMENSIONS, Course, Mark, Recording
from affectflow.annotation.resample import at_frames
from affectflow.annotation.trace_log import cut_of
from affectflow.core.errors import UserError
from affectflow.datasets.synthetic import MARKER

Numbers = NDArray[np.float64]
_BATCH = re.compile(r"batch[_ -]?(\d+)", re.IGNORECASE)
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the names of files that are uploaded to it."""
_SUFFIXES = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml")
_ROUNDING = 1e-9
_LATE_S = 1.0
"""A recording may go on so long after the last frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """A video that is annotated: names of its images and times of its frames in seconds, [frames] both; times are NaN
    where nobody knows them."""

    number: int
    images: Sequence[str]
    times: Numbers
    digests: Sequence[str] = ()
    """SHA-256 of the images; of a video that is none of a batch, of its file."""
    name: str = ""

    def __str__(self) -> str:
        return self.name or f"batch {self.number}"


FindBatch = Callable[[Path, str], Batch]
"""By the path of a trace and the video that it names; raises :class:`UserError` where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """``sample`` gives float64 [frames] in [-1, 1], NaN where there is no value, for a reaction lag in seconds.

    Where the images were judged at rest (``still``), there is no lag. ``twice`` are the values of images that were
    judged a second time, first and second; ``after_prediction`` of its images were judged after a look at a model's value.
    """

    path: Path
    tool: str
    annotator: str
    batch: int
    dimension: str
    sample: Callable[[float], Numbers]
    still: bool = False
    twice: Sequence[tuple[float, float]] = ()
    after_prediction: int = 0


def find_traces(folder: Path, without: Collection[str]) -> list[Path]:
    """The trace files below a folder, in a fixed order, but for those ``without``; a sub-folder's name is its
    annotator's."""
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; correct data.annotations or set it to null.")
    files = (path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    hidden = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in hidden if path.name.lower() not in (MARKER.lower(), "manifest.csv", *without))


def read_tracks(
    path: Path, folder: Path, batches: Mapping[int, Batch], trace_range: float, find: FindBatch | None = None
) -> list[Track]:
    """The tracks in one file; ``find`` is for videos that are not named after batches.

    Raises :class:`UserError`, with file and line, for a batch or frame or image that does not exist, a number of values
    that is not the batch's number of frames, what is no number, and values out of range. ``trace_range`` becomes 1
    where the tool has no range of its own.
    """
    find = find or partial(_batch_of, batches)
    exported = read_export(path)
    by_folder = "/".join(path.parent.relative_to(folder).parts)
    recordings = [one for one in exported if isinstance(one, Recording)]
    tracks = [_of_recording(one, by_folder, find, trace_range) for one in recordings]
    marks = [one for one in exported if isinstance(one, Mark)]
    return tracks + _of_marks(marks, by_folder, batches, find, trace_range)


def _of_recording(one: Recording, by_folder: str, find: FindBatch, trace_range: float) -> Track:
    batch = find(one.path, one.video)
    dimension = one.dimension or _dimension_of(one.path)
    count, ends = len(batch.images), batch.times[-1] if len(batch.times) else np.nan
    if one.every_frame and not 0 <= count - len(one.values) <= one.blank:
        raise UserError(f"{one.path} has {len(one.values)} values but {batch} has {count} frames; export it again.")
    for line, at in zip(one.lines, one.at, strict=True):
        if one.course is Course.FRAMES and at > count:
            raise UserError(f"{one.path}, line {line}: frame {at:g} is not between 1 and {count}.")
        if one.course is not Course.FRAMES and at > ends + _LATE_S:
            raise UserError(
                f"{one.path}, line {line}: {at:g} s is after the end of {batch} ({ends:.2f} s); it is a "
                "trace of another one."
            )
    if one.cut and one.cut != cut_of(batch.digests):
        raise UserError(f"{one.path} traces other images than {batch} has now; restore those, or move the file away.")
    low, high = one.limits or (-trace_range, trace_range)
    scaled = [
        _scaled(one.path, f"line {line}", value, low, high) for line, value in zip(one.lines, one.values, strict=True)
    ]
    unit = Recording(one.path, one.tool, one.course, one.at, np.array(scaled, np.float64), one.lines)
    annotator = one.annotator or by_folder or "annotator"
    return Track(one.path, one.tool, annotator, batch.number, dimension, partial(at_frames, unit, batch.times))


def _of_marks(
    marks: Sequence[Mark], by_folder: str, batches: Mapping[int, Batch], find: FindBatch, trace_range: float
) -> list[Track]:
    """Those of one annotator, batch and dimension together. They were made at rest, so no lag moves them."""
    places = {
        name: (batch, frame)
        for batch in batches.values()
        for names in (batch.digests, [image.rsplit("/", 1)[-1] for image in batch.images])
        for frame, name in enumerate(names)
    }
    by_track: dict[tuple[str, int, str], list[tuple[int, Mark]]] = defaultdict(list)
    found: dict[int, Batch] = {}
    for mark in marks:
        batch, frame = _place_of(mark, places, find)
        found[batch.number] = batch
        by_track[mark.annotator or by_folder or "annotator", batch.number, mark.dimension].append((frame, mark))
    return [
        _judged(placed, annotator, found[number], dimension, trace_range)
        for (annotator, number, dimension), placed in by_track.items()
    ]


def _judged(
    placed: Sequence[tuple[int, Mark]], annotator: str, batch: Batch, dimension: str, trace_range: float
) -> Track:
    """A track of marks at frames from 0."""
    values = np.full(len(batch.images), np.nan)
    twice: list[tuple[float, float]] = []
    for frame, mark in placed:
        value = _scaled(mark.path, mark.where, mark.value, -trace_range, trace_range)
        if mark.again:
            twice.append((values[frame], value))
        elif np.isnan(values[frame]):
            values[frame] = value
        else:
            raise UserError(f"{mark.path}, {mark.where}: {mark.dimension} of {mark.image} stands there twice.")
    first = placed[0][1]
    guessed = sum(mark.after_prediction and not mark.again for _, mark in placed)
    sample = partial(_unmoved, values)
    return Track(first.path, first.tool, annotator, batch.number, dimension, sample, True, twice, guessed)


def _unmoved(values: Numbers, lag_s: float) -> Numbers:
    return values


def _place_of(mark: Mark, places: Mapping[str, tuple[Batch, int]], find: FindBatch) -> tuple[Batch, int]:
    """Batch, and frame from 0."""
    if mark.frame:
        batch = find(mark.path, mark.image)
        if mark.frame > len(batch.images):
            raise UserError(f"{mark.path}, {mark.where}: frame {mark.frame} is not between 1 and {len(batch.images)}.")
        return batch, mark.frame - 1
    names = (mark.sha256,) if mark.sha256 else (mark.image, _UPLOADED.sub("", mark.image))
    place = next((places[name] for name in names if name in places), None)
    if place is None:
        raise UserError(
            f"{mark.path}, {mark.where}: {mark.image!r} is an image of no batch; name it as the manifest does."
        )
    return place


def _batch_of(batches: Mapping[int, Batch], path: Path, video: str) -> Batch:
    """By the video that the file names, and by its own name."""
    by_video, by_name = _BATCH.search(video.replace("\\", "/").rsplit("/", 1)[-1]), _BATCH.search(path.stem)
    if by_video and by_name and int(by_video.group(1)) != int(by_name.group(1)):
        raise UserError(
            f"{path} is named after batch {int(by_name.group(1))}, and was made of batch {int(by_video.group(1))} "
            f"({video}); correct its name."
        )
    match = by_video or by_name
    if match is None:
        raise UserError(f"{path} is not named after a batch; call it batch_001_valence.txt or batch_001.csv.")
    number = int(match.group(1))
    if number not in batches:
        raise UserError(f"{path} is a trace of batch {number}, which does not exist; there are {len(batches)} batches.")
    return batches[number]


def _dimension_of(path: Path) -> str:
    stem = path.stem.lower()
    ends = [dimension for dimension in DIMENSIONS if stem.endswith(dimension)]
    named = ends or [dimension for dimension in DIMENSIONS if dimension in stem]
    if len(named) != 1:
        raise UserError(f"{path} does not say whether it is of valence or of arousal; put one of them into its name.")
    return named[0]


def _scaled(path: Path, where: str, value: float, low: float, high: float) -> float:
    """From ``low`` and ``high`` to -1 and 1."""
    middle, half = (low + high) / 2, (high - low) / 2
    if np.isnan(value):
        return value
    if half <= 0 or not abs(value - middle) <= half * (1 + _ROUNDING):
        raise UserError(
            f"{path}, {where}: {value:g} lies outside {low:g} to {high:g}; correct it or annotation.trace_range."
        )
    return float(np.clip((value - middle) / half, -1.0, 1.0))


def together(tracks: Sequence[Track]) -> dict[tuple[str, str], dict[int, Track]]:
    """By dimension and annotator, and by batch.

    Judgements of different images of a batch are joined, also with a trace on the same page. Raises :class:`UserError`
    where two say something of the same.
    """
    found: dict[tuple[str, str], dict[int, Track]] = defaultdict(dict)
    for track in tracks:
        of_annotator = found[track.dimension, track.annotator]
        before = of_annotator.get(track.batch)
        of_annotator[track.batch] = track if before is None else _joined(before, track)
    return dict(found)


def _over(judged: Callable[[float], Numbers], traced: Callable[[float], Numbers], lag_s: float) -> Numbers:
    """A judgement at rest counts before a trace."""
    values = judged(lag_s)
    return np.where(np.isnan(values), traced(lag_s), values)


def _joined(one: Track, other: Track) -> Track:
    looked_at: Any = {
        "twice": [*one.twice, *other.twice],
        "after_prediction": one.after_prediction + other.after_prediction,
    }
    if one.tool == other.tool == OWN_TOOL and one.still != other.still:
        judged, traced = (one, other) if one.still else (other, one)
        return replace(traced, sample=partial(_over, judged.sample, traced.sample), **looked_at)
    first, second = one.sample(0.0), other.sample(0.0)
    if not (one.still and other.still) or np.any(~np.isnan(first) & ~np.isnan(second)):
        both = f"{other.path} and {one.path} are" if other.path != one.path else f"Two recordings in {one.path} are"
        raise UserError(
            f"{both} the same trace ({one.dimension} of batch {one.batch} by {one.annotator}); remove one of them."
        )
    return replace(one, sample=partial(_unmoved, np.where(np.isnan(first), second, first)), **looked_at)
