"""How far annotators agree on the same pictures, and on which they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from affectflow.annotation.journal import Judgement, Kept
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.server.picture import Picture
from affectflow.measures.agreement import agree

_MOST_SHOWN = 24

Judgements = Mapping[str, Judgement]
"""By SHA-256 of the picture."""


def compare(by_annotator: Mapping[str, Kept], batches: Mapping[int, Sequence[Picture]]) -> dict[str, Any]:
    """For the page: CCC, PCC and ICC(3,1) of each pair of annotators and of each with what they said the second time,
    and the pictures with the widest spread.

    The spread of a picture is the largest distance in the plane between two judgements of it.
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
        "annotators": {name: len(judgements) for name, judgements in valued.items()},
        "pairs": alone + pairs,
        "pictures": _widest(valued, batches),
    }


def _both(valued: Mapping[str, Judgements], one: str, other: str) -> list[str]:
    return sorted(valued[one].keys() & valued[other].keys())


def _lines(annotators: list[str], pairs: Sequence[tuple[Judgement, Judgement]]) -> list[dict[str, Any]]:
    """One a dimension; none of no pairs."""
    lines = []
    for dimension in DIMENSIONS if pairs else ():
        found = agree(*([getattr(one, dimension) for one in ones] for ones in zip(*pairs, strict=True)))
        measures = {name: _number(getattr(found, name)) for name in ("ccc", "pcc", "icc")}
        lines.append({"dimension": dimension, "annotators": annotators, "pictures": len(pairs), **measures})
    return lines


def _widest(valued: Mapping[str, Judgements], batches: Mapping[int, Sequence[Picture]]) -> list[dict[str, Any]]:
    found = []
    for picture in (picture for pictures in batches.values() for picture in pictures):
        points = {
            name: (one.valence, one.arousal)
            for name, judgements in valued.items()
            if (one := judgements.get(picture.image_sha256)) is not None
        }
        if len(points) > 1:
            spread = max(math.dist(a, b) for a, b in combinations(points.values(), 2))  # type: ignore[arg-type]
            found.append((spread, picture, points))
    found.sort(key=lambda one: -one[0])
    return [
        {
            "batch": picture.batch,
            "frame": picture.frame,
            "image": picture.address,
            "spread": round(spread, 3),
            "points": points,
        }
        for spread, picture, points in found[:_MOST_SHOWN]
    ]


def _number(value: Any) -> float | None:
    number = float(value)
    return None if math.isnan(number) else round(number, 3)
