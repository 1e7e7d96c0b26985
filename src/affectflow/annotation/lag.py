"""How much later one annotator reacts than another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_LEAST_FRAMES = 30
"""In which two must have annotated the same video."""


@dataclass(frozen=True, slots=True)
class Lag:
    """``x`` reacts ``frames`` later than ``y``: then their tracks correlate most, over so many ``common`` frames."""

    x: str
    y: str
    frames: int
    correlation: float
    common: int


def pairwise_lags(tracks: Mapping[str, Sequence[Numbers]], most: int) -> Iterator[Lag]:
    """Of each pair the shift, up to ``most`` frames, at which Pearson's correlation is highest.

    ``tracks`` are by annotator, in one order of videos, [frames] each, NaN where there is none. Pairs with less than
    thirty frames in common, or whose tracks do not vary, are left out.
    """
    for (x, first), (y, second) in combinations(tracks.items(), 2):
        found = [(*_correlation(first, second, shift), -abs(shift), shift) for shift in range(-most, most + 1)]
        known = [one for one in found if not np.isnan(one[0])]
        if known:
            correlation, common, _, shift = max(known, key=lambda one: (one[0], one[2], one[3]))
            yield Lag(x, y, shift, correlation, common)


def lags_of(annotators: Sequence[str], pairs: Sequence[Lag]) -> dict[str, float]:
    """Frames by annotator, by least squares over the pairs, each weighted by the frames that tell of it; who reacts
    first has none.

    Tracks tell who is later than whom, not how late the first of those is who can be compared. Annotators without a
    pair have no lag.
    """
    compared = sorted({name for pair in pairs for name in (pair.x, pair.y)})
    lags = dict.fromkeys(annotators, 0.0)
    if not compared:
        return lags
    places = {name: i for i, name in enumerate(compared)}
    differences = np.zeros((len(pairs), len(compared)))
    for row, pair in zip(differences, pairs, strict=True):
        row[places[pair.x]], row[places[pair.y]] = 1, -1
    weights = np.sqrt([pair.common for pair in pairs])
    wanted = weights * [pair.frames for pair in pairs]
    solved = np.linalg.lstsq(weights[:, np.newaxis] * differences, wanted, rcond=None)[0]
    for group in _groups(pairs):
        first = min(solved[places[name]] for name in group)
        lags |= {name: float(solved[places[name]] - first) for name in group}
    return lags


def _groups(pairs: Sequence[Lag]) -> list[set[str]]:
    """Annotators who can be compared, if only by way of others."""
    groups: list[set[str]] = []
    for pair in pairs:
        joined = {pair.x, pair.y}.union(*(group for group in groups if group & {pair.x, pair.y}))
        groups = [*(group for group in groups if not group & joined), joined]
    return groups


def _correlation(first: Sequence[Numbers], second: Sequence[Numbers], shift: int) -> tuple[float, int]:
    """Of the first ``shift`` frames later than the second, and over how many frames."""
    x = np.concatenate([_cut(track, max(shift, 0), max(-shift, 0)) for track in first])
    y = np.concatenate([_cut(track, max(-shift, 0), max(shift, 0)) for track in second])
    both = ~np.isnan(x) & ~np.isnan(y)
    common = int(both.sum())
    if common < _LEAST_FRAMES:
        return float("nan"), common
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    spread = np.sqrt((x * x).sum() * (y * y).sum())
    return (float((x * y).sum() / spread) if spread > 0 else float("nan")), common


def _cut(track: Numbers, at_start: int, at_end: int) -> Numbers:
    return track[at_start : max(at_start, len(track) - at_end)]
