"""The overview page's data: each annotator's progress, and the agreement between annotators."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from affectflow.annotation.rating_log import Rating, RecordedRatings
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.server.media import ImagesByVideo
from affectflow.annotation.trace_log import RecordedTraces
from affectflow.annotation.videos import video_name
from affectflow.metrics.agreement import agree

_MAX_SECONDS = 120.0
"""Longer times are counted as this: the annotator was interrupted."""
_MAX_IMAGES = 24
_NOT_TRACED = (None, None)

RatingsByImage = Mapping[str, Rating]
"""By SHA-256 of the image."""


def median_seconds(ratings: Iterable[Rating]) -> float | None:
    """Return the median time per image in seconds, None if no time is known."""
    seconds = [min(rating.seconds, _MAX_SECONDS) for rating in ratings if rating.seconds > 0]
    return statistics.median(seconds) if seconds else None


def progress_of_all(
    recorded: Mapping[str, RecordedRatings], traced: Mapping[str, RecordedTraces], images: ImagesByVideo
) -> list[dict[str, Any]]:
    """Return the progress of each annotator.

    Args:
        recorded: Ratings by annotator.
        traced: Traces by annotator.
        images: All images.

    Returns:
        By name of the annotator: number of rated images, seconds per image, and the videos that were started, with the
        number of frames that are done and in total (None if unknown).
    """
    number_of = {image.image_sha256: number for number, frames in images.items() for image in frames}
    lengths = {video_name(number): len(frames) for number, frames in images.items()}
    rows = []
    for name in sorted(recorded.keys() | traced.keys()):
        ratings = recorded.get(name, RecordedRatings())
        rated = Counter(number_of[sha256] for sha256 in ratings.by_image if sha256 in number_of)
        started = [
            *(
                {"title": f"images of video {number}", "done": rated[number], "total": len(images[number])}
                for number in sorted(rated)
            ),
            *(
                {"title": video, "done": len(track), "total": lengths.get(video)}
                for video, track in sorted(traced.get(name, RecordedTraces()).tracks.items())
            ),
        ]
        seconds = median_seconds(ratings.latest.values())
        rows.append({"annotator": name, "rated": rated.total(), "seconds": seconds, "started": started})
    return rows


def compare(
    recorded: Mapping[str, RecordedRatings], traced: Mapping[str, RecordedTraces], images: ImagesByVideo
) -> dict[str, Any]:
    """Compare the annotators.

    Videos are compared frame by frame as they were traced, without removing reaction lags.

    Args:
        recorded: Ratings by annotator.
        traced: Traces by annotator.
        images: All images.

    Returns:
        ``pairs`` and ``videos``: CCC, PCC and ICC(3,1) of each pair of annotators, and of each annotator with their
        repeated ratings. ``images``: those with the largest distance between two ratings in the plane of valence and
        arousal.
    """
    recorded = dict(sorted(recorded.items()))
    rated = {
        name: {sha256: rating for sha256, rating in ratings.by_image.items() if not rating.skip_reason}
        for name, ratings in recorded.items()
    }
    with_self = [
        row for name, ratings in recorded.items() for row in _rating_rows([name], list(ratings.repeats.values()))
    ]
    pairs = [
        row
        for one, other in combinations(rated, 2)
        for row in _rating_rows(
            [one, other],
            [(rated[one][sha256], rated[other][sha256]) for sha256 in sorted(rated[one].keys() & rated[other].keys())],
        )
    ]
    return {
        "pairs": with_self + pairs,
        "videos": [row for one, other in combinations(sorted(traced), 2) for row in _trace_rows(one, other, traced)],
        "images": _most_distant(rated, images),
    }


def _rating_rows(annotators: list[str], pairs: Sequence[tuple[Rating, Rating]]) -> list[dict[str, Any]]:
    """Return a row for each dimension."""
    return [
        row
        for dimension in DIMENSIONS
        for row in _row(annotators, dimension, [[getattr(rating, dimension) for rating in pair] for pair in pairs])
    ]


def _trace_rows(one: str, other: str, traced: Mapping[str, RecordedTraces]) -> Iterator[dict[str, Any]]:
    """Yield a row for each dimension, over the frames of all videos that both traced with the same content."""
    common = sorted({video for video, _ in traced[one].content_digests.items() & traced[other].content_digests.items()})
    first, second = traced[one].tracks, traced[other].tracks
    frames = [(video, frame) for video in common for frame in sorted(first[video])]
    for place, dimension in enumerate(DIMENSIONS):
        pairs = [(first[video][frame][place], second[video].get(frame, _NOT_TRACED)[place]) for video, frame in frames]
        yield from _row([one, other], dimension, [pair for pair in pairs if None not in pair])


def _row(annotators: list[str], dimension: str, pairs: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the measures of pairs of values; nothing if there are no pairs."""
    if pairs:
        agreement = agree(*zip(*pairs, strict=True))
        measures = {name: _rounded(getattr(agreement, name)) for name in ("ccc", "pcc", "icc")}
        yield {"dimension": dimension, "annotators": annotators, "count": len(pairs), **measures}


def _most_distant(rated: Mapping[str, RatingsByImage], images: ImagesByVideo) -> list[dict[str, Any]]:
    found = []
    for image in (image for frames in images.values() for image in frames):
        points = {
            name: (rating.valence, rating.arousal)
            for name, ratings in rated.items()
            if (rating := ratings.get(image.image_sha256)) is not None
        }
        if len(points) > 1:
            distance = max(math.dist(a, b) for a, b in combinations(points.values(), 2))  # type: ignore[arg-type]
            found.append((distance, image, points))
    found.sort(key=lambda one: -one[0])
    return [
        {
            "annotation_video": image.annotation_video,
            "frame": image.frame,
            "image": image.address,
            "distance": round(distance, 3),
            "points": points,
        }
        for distance, image, points in found[:_MAX_IMAGES]
    ]


def _rounded(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else round(number, 3)
