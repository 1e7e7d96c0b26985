"""How far annotators agree on the same images, and on which they do not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from affectflow.annotation.rating_log import Judgement, Kept
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.server.image import Image
from affectflow.annotation.trace_log import Traced
from affectflow.metrics.agreement import agree

_MOST_SHOWN = 24
_NOT_TRACED = (None, None)

Judgements = Mapping[str, Judgement]
"""By SHA-256 of the image."""


def compare(
    by_annotator: Mapping[str, Kept], traced: Mapping[str, Traced], batches: Mapping[int, Sequence[Image]]
) -> dict[str, Any]:
    """For the page: CCC, PCC and ICC(3,1) of each pair of annotators and of each with what they said the second time,
    and the images with the widest spread.

    The spread of an image is the largest distance in the plane between two judgements of it. Videos are compared frame
    by frame as they were traced, not moved by anybody's reaction lag.
    """
    kept = dict(sorted(by_annotator.items()))
    valued = {
        name: {sha: one for sha, one in of_one.judgements.items() if not one.verdict} for name, of_one in kept.items()
    }
    alone = [line for name, one in kept.items() for line in _lines([name], list(one.repeats.values()))]
    pairs = [
        line
        for one, other in combinations(valued, 2)
        for line in _lines([one, other], [(valued[one][sha], valued[other][sha]) for sha in _both(valued, one, other)])
    ]
    return {
        "pairs": alone + pairs,
        "videos": [line for one, other in combinations(sorted(traced), 2) for line in _of_videos(one, other, traced)],
        "images": _widest(valued, batches),
    }


def _both(valued: Mapping[str, Judgements], one: str, other: str) -> list[str]:
    return sorted(valued[one].keys() & valued[other].keys())


def _lines(annotators: list[str], pairs: Sequence[tuple[Judgement, Judgement]]) -> list[dict[str, Any]]:
    """One a dimension."""
    return [
        line
        for dimension in DIMENSIONS
        for line in _line(annotators, dimension, [[getattr(one, dimension) for one in pair] for pair in pairs])
    ]


def _of_videos(one: str, other: str, traced: Mapping[str, Traced]) -> Iterator[dict[str, Any]]:
    """One a dimension, over the frames of all videos that both have traced, and seen with the same images."""
    both = sorted({video for video, _ in traced[one].cuts.items() & traced[other].cuts.items()})
    first, second = traced[one].tracks, traced[other].tracks
    frames = [(video, frame) for video in both for frame in sorted(first[video])]
    for place, dimension in enumerate(DIMENSIONS):
        pairs = [(first[video][frame][place], second[video].get(frame, _NOT_TRACED)[place]) for video, frame in frames]
        yield from _line([one, other], dimension, [pair for pair in pairs if None not in pair])


def _line(annotators: list[str], dimension: str, pairs: Sequence[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """None of no pairs."""
    if pairs:
        found = agree(*zip(*pairs, strict=True))
        measures = {name: _number(getattr(found, name)) for name in ("ccc", "pcc", "icc")}
        yield {"dimension": dimension, "annotators": annotators, "count": len(pairs), **measures}


def _widest(valued: Mapping[str, Judgements], batches: Mapping[int, Sequence[Image]]) -> list[dict[str, Any]]:
    found = []
    for image in (image for images in batches.values() for image in images):
        points = {
            name: (one.valence, one.arousal)
            for name, judgements in valued.items()
            if (one := judgements.get(image.image_sha256)) is not None
        }
        if len(points) > 1:
            spread = max(math.dist(a, b) for a, b in combinations(points.values(), 2))  # type: ignore[arg-type]
            found.append((spread, image, points))
    found.sort(key=lambda one: -one[0])
    return [
        {
            "batch": image.batch,
            "frame": image.frame,
            "image": image.address,
            "spread": round(spread, 3),
            "points": points,
        }
        for spread, image, points in found[:_MOST_SHOWN]
    ]


def _number(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else round(number, 3)
