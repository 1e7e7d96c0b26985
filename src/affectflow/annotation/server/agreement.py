"""How far annotators agree on the same pictures, and on which they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from affectflow.annotation.journal import Judgement
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.server.session import Picture
from affectflow.measures.agreement import agree

_MOST_SHOWN = 24

Judgements = Mapping[str, Judgement]
"""By SHA-256 of the picture."""


def compare(by_annotator: Mapping[str, Judgements], batches: Mapping[int, Sequence[Picture]]) -> dict[str, Any]:
    """For the page: CCC, PCC and ICC(3,1) of each pair of annotators, and the pictures with the widest spread.

    The spread of a picture is the largest distance in the plane between two judgements of it.
    """
    valued = {
        name: {sha: one for sha, one in judgements.items() if one.valence is not None and one.arousal is not None}
        for name, judgements in sorted(by_annotator.items())
    }
    return {
        "annotators": {name: len(judgements) for name, judgements in valued.items()},
        "pairs": [pair for one, other in combinations(valued, 2) for pair in _pair(one, other, valued)],
        "pictures": _widest(valued, batches),
    }


def _pair(one: str, other: str, valued: Mapping[str, Judgements]) -> list[dict[str, Any]]:
    both = sorted(valued[one].keys() & valued[other].keys())
    lines = []
    for dimension in DIMENSIONS if both else ():
        found = agree(*([getattr(valued[name][sha], dimension) for sha in both] for name in (one, other)))
        measures = {name: _number(getattr(found, name)) for name in ("ccc", "pcc", "icc")}
        lines.append({"dimension": dimension, "annotators": [one, other], "pictures": len(both), **measures})
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
