"""Tracks from exported files: one dimension of one video by one annotator, at the video's frames.

The format of a file is recognized by its content (:mod:`affectflow.annotation.formats`). The video, the dimension and
the annotator are given in the file, or by its name: ``video_001_valence.txt`` in a folder with the annotator's name.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from affectflow.annotation.find_video import AnnotationVideo, FindVideo, Numbers, dimension_of, find_by_number
from affectflow.annotation.formats import SUFFIXES, read_export
from affectflow.annotation.formats.affectflow_log import TOOL as OWN_TOOL
from affectflow.annotation.recording import ImageRating, Interpolation, Recording
from affectflow.annotation.resample import at_frames
from affectflow.annotation.trace_log import content_digest
from affectflow.core.errors import UserError
from affectflow.datasets.base import MAX_LEFT_OVER
from affectflow.datasets.synthetic import MARKER
from affectflow.media.name_index import NameIndex

log = logging.getLogger(__name__)

_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""Prefix that Label Studio adds to the names of uploaded files."""
_MAX_CLIPPED = 0.05  # of the values of a track that may be outside the scale; with more, the scale is another one
_MAX_OVERRUN_S = 1.0
"""A recording may continue for so long after the last frame."""
_UNKNOWN_ANNOTATOR = "annotator"


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One dimension of one video by one annotator.

    Attributes:
        path: The file that it was read from.
        tool: Name of the annotation tool.
        annotator: Name of the annotator.
        video: Number of the video.
        dimension: Valence or arousal.
        sample: Returns float64 [frames] in [-1, 1] for a reaction lag in seconds; NaN for a frame without a value.
        is_rating: Whether the images were rated one by one; such values have no reaction lag.
        repeats: First and repeated value of the images that were rated twice.
        after_prediction: Number of images that were rated after the annotator saw the model prediction.
    """

    path: Path
    tool: str
    annotator: str
    video: int
    dimension: str
    sample: Callable[[float], Numbers]
    is_rating: bool = False
    repeats: Sequence[tuple[float, float]] = ()
    after_prediction: int = 0


def find_traces(folder: Path, exclude: Collection[str]) -> list[Path]:
    """List the trace files below a folder in a fixed order.

    Args:
        folder: Folder of traces; a sub-folder has the name of its annotator.
        exclude: Names of files to leave out, in lower case.

    Raises:
        UserError: The folder does not exist.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; correct data.annotations or set it to null.")
    files = (path for path in folder.rglob("*") if path.is_file())
    visible = (path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    traces = [path for path in visible if path.name.lower() not in (MARKER.lower(), "manifest.csv", *exclude)]
    if others := sorted(path.name for path in traces if path.suffix.lower() not in SUFFIXES):
        log.warning("%s: not read, since they are not exports: %s", folder, ", ".join(others)[:200])
    return sorted(path for path in traces if path.suffix.lower() in SUFFIXES)


def read_folder(
    folder: Path,
    exclude: Collection[str],
    videos: Mapping[int, AnnotationVideo],
    trace_range: float,
    how_to_trace: str,
    find_video: FindVideo | None = None,
) -> list[Track]:
    """Read the tracks in all files below a folder.

    Args:
        folder: See :func:`find_traces`.
        exclude: See :func:`find_traces`.
        videos: See :func:`read_tracks`.
        trace_range: See :func:`read_tracks`.
        how_to_trace: What to do if there are no traces, for the message.
        find_video: See :func:`read_tracks`.

    Raises:
        UserError: There is no trace, or see :func:`read_tracks`.
    """
    files = find_traces(folder, exclude)
    tracks = [track for path in files for track in read_tracks(path, folder, videos, trace_range, find_video)]
    if not tracks:
        raise UserError(f"{folder} has no traces; {how_to_trace}.")
    return tracks


def read_tracks(
    path: Path,
    folder: Path,
    videos: Mapping[int, AnnotationVideo],
    trace_range: float,
    find_video: FindVideo | None = None,
) -> list[Track]:
    """Read the tracks in one file.

    Args:
        path: The file.
        folder: The folder of traces; the folders between it and the file name the annotator.
        videos: The annotation videos by number.
        trace_range: The value that becomes 1 if the tool has no range of its own.
        find_video: Finds the video of a trace; by default the annotation video of the number in its name.

    Raises:
        UserError: With file and line, for a video, frame or image that does not exist, a number of values that is not
            the video's number of frames, a value that is not a number, or one that is out of range.
    """
    find_video = find_video or partial(find_by_number, videos)
    exports = read_export(path)
    annotator = "/".join(path.parent.relative_to(folder).parts) or _UNKNOWN_ANNOTATOR
    recordings = [export for export in exports if isinstance(export, Recording)]
    tracks = [_recording_track(recording, annotator, find_video, trace_range) for recording in recordings]
    ratings = [export for export in exports if isinstance(export, ImageRating)]
    return tracks + _rating_tracks(ratings, annotator, videos, find_video, trace_range)


def _recording_track(recording: Recording, annotator: str, find_video: FindVideo, trace_range: float) -> Track:
    path = recording.path
    video = find_video(path, recording.video)
    dimension = recording.dimension or dimension_of(path)
    recording = _fitted(recording, video)
    if recording.content_digest and recording.content_digest != content_digest(video.digests):
        raise UserError(
            f"{path} traces other images than {video} has now; restore the former video, or move this file elsewhere."
        )
    low, high = recording.limits or (-trace_range, trace_range)
    locations = [f"line {line}" for line in recording.lines]
    unit = replace(recording, values=_scaled(path, recording.values, locations, low, high))
    return Track(
        path=path,
        tool=recording.tool,
        annotator=recording.annotator or annotator,
        video=video.number,
        dimension=dimension,
        sample=partial(at_frames, unit, video.times),
    )


def _fitted(recording: Recording, video: AnnotationVideo) -> Recording:
    """Return a recording without a few values behind the last frame of its video.

    Raises:
        UserError: It is longer or shorter than its video.
    """
    path, count = recording.path, len(video.images)
    end = video.times[-1] if len(video.times) else np.nan
    if recording.every_frame and (left_over := len(recording.values) - count):
        if not -max(MAX_LEFT_OVER, recording.blank_lines) <= left_over <= MAX_LEFT_OVER:
            raise UserError(
                f"{path} has {len(recording.values)} values but {video} has {count} frames; export it again."
            )
        log.warning("%s has %d values for the %d frames of %s", path, len(recording.values), count, video)
        recording = replace(
            recording,
            positions=recording.positions[:count],
            values=recording.values[:count],
            lines=recording.lines[:count],
        )
    per_frame = recording.interpolation is Interpolation.PER_FRAME
    for line, position in zip(recording.lines, recording.positions, strict=True):
        if per_frame and position > count:
            raise UserError(f"{path}, line {line}: frame {position:g} is not between 1 and {count}.")
        if not per_frame and position > end + _MAX_OVERRUN_S:
            raise UserError(
                f"{path}, line {line}: {position:g} s is after the end of {video} ({end:.2f} s); this is a trace of "
                "another video."
            )
    return recording


def _rating_tracks(
    ratings: Sequence[ImageRating],
    annotator: str,
    videos: Mapping[int, AnnotationVideo],
    find_video: FindVideo,
    trace_range: float,
) -> list[Track]:
    """Join the ratings of each annotator, video and dimension to a track."""
    places = {
        name: (video, frame)
        for video in videos.values()
        for names in (video.digests, [image.rsplit("/", 1)[-1] for image in video.images])
        for frame, name in enumerate(names)
    }
    names = NameIndex(places)
    by_track: dict[tuple[str, int, str], list[tuple[int, ImageRating]]] = defaultdict(list)
    found: dict[int, AnnotationVideo] = {}
    for rating in ratings:
        video, frame = _place_of(rating, places, names, find_video)
        found[video.number] = video
        by_track[rating.annotator or annotator, video.number, rating.dimension].append((frame, rating))
    return [
        _rating_track(placed, name, found[number], dimension, trace_range)
        for (name, number, dimension), placed in by_track.items()
    ]


def _rating_track(
    placed: Sequence[tuple[int, ImageRating]],
    annotator: str,
    video: AnnotationVideo,
    dimension: str,
    trace_range: float,
) -> Track:
    """Make a track of ratings, each with its frame from 0."""
    values = np.full(len(video.images), np.nan)
    repeats: list[tuple[float, float]] = []
    scaled = np.full(len(placed), np.nan)
    by_scale: dict[tuple[float, float], list[int]] = {}
    for place, (_, rating) in enumerate(placed):
        by_scale.setdefault(rating.limits or (-trace_range, trace_range), []).append(place)
    for (low, high), places in by_scale.items():  # of an export with stars and numbers
        given = np.array([placed[place][1].value for place in places])
        locations = [placed[place][1].location for place in places]
        scaled[places] = _scaled(placed[0][1].path, given, locations, low, high)
    for (frame, rating), value in zip(placed, map(float, scaled), strict=True):
        if rating.is_repeat:
            repeats.append((values[frame], value))
        elif np.isnan(values[frame]):
            values[frame] = value
        else:
            raise UserError(
                f"{rating.path}, {rating.location}: {rating.dimension} of {rating.image} occurs twice; remove one of "
                "them."
            )
    first = placed[0][1]
    return Track(
        path=first.path,
        tool=first.tool,
        annotator=annotator,
        video=video.number,
        dimension=dimension,
        sample=partial(_without_lag, values),
        is_rating=True,
        repeats=repeats,
        after_prediction=sum(rating.after_prediction and not rating.is_repeat for _, rating in placed),
    )


def _without_lag(values: Numbers, lag_s: float) -> Numbers:
    """Return the values whatever the lag is, because images at rest are rated without one."""
    return values


def _place_of(
    rating: ImageRating,
    places: Mapping[str, tuple[AnnotationVideo, int]],
    known: NameIndex,
    find_video: FindVideo,
) -> tuple[AnnotationVideo, int]:
    """Find the video of a rating, and the frame from 0."""
    if rating.frame:
        video = find_video(rating.path, rating.image)
        if rating.frame > len(video.images):
            raise UserError(
                f"{rating.path}, {rating.location}: frame {rating.frame} is not between 1 and {len(video.images)}."
            )
        return video, rating.frame - 1
    names = (rating.sha256,) if rating.sha256 else (rating.image, _UPLOADED.sub("", rating.image))
    found = next(filter(None, map(known.find, names)), None)
    if found is None:
        nearest = known.nearest(rating.image)
        hint = f" (the most similar name is {nearest!r})" if nearest else ""
        raise UserError(
            f"{rating.path}, {rating.location}: {rating.image!r} is not an image of any annotation video{hint}; use "
            "the file names of the manifest."
        )
    return places[found]


def _scaled(path: Path, values: Numbers, locations: Sequence[str], low: float, high: float) -> Numbers:
    """Scale values from [low, high] to [-1, 1]; a few that are outside are clipped.

    Raises:
        UserError: More of them are, so that the scale is another one.
    """
    middle, half = (low + high) / 2, (high - low) / 2
    unit = (values - middle) / half if half > 0 else np.full_like(values, np.inf)
    outside = np.flatnonzero(np.abs(unit) > 1 + 1e-9)
    if len(outside) > _MAX_CLIPPED * np.sum(~np.isnan(values)):
        first = outside[0]
        raise UserError(
            f"{path}, {locations[first]}: {values[first]:g} is outside the range {low:g} to {high:g}; correct it or "
            "annotation.trace_range."
        )
    if len(outside):
        where = f"{path}, {locations[outside[0]]}"
        log.warning("%s: %d values outside the range %g to %g were clipped", where, len(outside), low, high)
    return np.asarray(np.clip(unit, -1.0, 1.0), np.float64)


def join_tracks(tracks: Sequence[Track]) -> dict[tuple[str, str], dict[int, Track]]:
    """Group tracks by dimension and annotator, and then by video.

    An annotator's ratings of different images of a video are joined, also with a trace made on the same page.

    Raises:
        UserError: Two tracks of one annotator have values for the same frames.
    """
    joined: dict[tuple[str, str], dict[int, Track]] = defaultdict(dict)
    for track in tracks:
        by_video = joined[track.dimension, track.annotator]
        before = by_video.get(track.video)
        by_video[track.video] = track if before is None else _join(before, track)
    return dict(joined)


def _ratings_before_trace(
    ratings: Callable[[float], Numbers], trace: Callable[[float], Numbers], lag_s: float
) -> Numbers:
    """Return the ratings, and the trace for frames that were not rated."""
    values = ratings(lag_s)
    return np.where(np.isnan(values), trace(lag_s), values)


def _join(one: Track, other: Track) -> Track:
    sample: Callable[[float], Numbers]
    if one.tool == other.tool == OWN_TOOL and one.is_rating != other.is_rating:
        ratings, kept = (one, other) if one.is_rating else (other, one)
        sample = partial(_ratings_before_trace, ratings.sample, kept.sample)
    else:
        first, second = one.sample(0.0), other.sample(0.0)
        if not (one.is_rating and other.is_rating) or np.any(~np.isnan(first) & ~np.isnan(second)):
            both = f"{other.path} and {one.path} are" if other.path != one.path else f"Two recordings in {one.path} are"
            raise UserError(
                f"{both} the same trace ({one.dimension} of annotation video {one.video} by {one.annotator}); remove "
                "one of them."
            )
        kept, sample = one, partial(_without_lag, np.where(np.isnan(first), second, first))
    return replace(
        kept,
        sample=sample,
        repeats=[*one.repeats, *other.repeats],
        after_prediction=one.after_prediction + other.after_prediction,
    )
