"""Reaction lag: how much later one annotator reacts than another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_MIN_COMMON_FRAMES = 30
"""Pairs of annotators with fewer frames in common are not compared."""


@dataclass(frozen=True, slots=True)
class Lag:
    """The lag between two annotators: ``x`` reacts ``frames`` later than ``y``.

    At this shift their tracks have the highest correlation, over ``common`` frames.
    """

    x: str
    y: str
    frames: int
    correlation: float
    common: int


def pairwise_lags(tracks: Mapping[str, Sequence[Numbers]], max_shift: int) -> Iterator[Lag]:
    """Find for each pair of annotators the shift at which Pearson's correlation is highest.

    Pairs with less than thirty frames in common, or whose tracks are constant, are left out.

    Args:
        tracks: By annotator, the values of each video, [frames] each, NaN for a frame without a value. All annotators
            have the videos in the same order.
        max_shift: Largest shift to try, in frames.
    """
    for (x, first), (y, second) in combinations(tracks.items(), 2):
        candidates = [
            (*_correlation(first, second, shift), -abs(shift), shift) for shift in range(-max_shift, max_shift + 1)
        ]
        defined = [candidate for candidate in candidates if not np.isnan(candidate[0])]
        if defined:
            correlation, common, _, shift = max(defined, key=lambda found: (found[0], found[2], found[3]))
            yield Lag(x, y, shift, correlation, common)


def lags_of(annotators: Sequence[str], pairs: Sequence[Lag]) -> dict[str, float]:
    """Estimate each annotator's lag by least squares over the pairs.

    Tracks show who reacts later than whom, but not how late the first annotator reacts. The first of all annotators
    who can be compared therefore has the lag 0, and so have annotators without a pair.

    Args:
        annotators: All names.
        pairs: Lags between annotators; each is weighted by its number of common frames.

    Returns:
        Lag in frames by annotator.
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
    measured = weights * [pair.frames for pair in pairs]
    solved = np.linalg.lstsq(weights[:, np.newaxis] * differences, measured, rcond=None)[0]
    for group in _groups(pairs):
        first = min(solved[places[name]] for name in group)
        lags |= {name: float(solved[places[name]] - first) for name in group}
    return lags


def _groups(pairs: Sequence[Lag]) -> list[set[str]]:
    """Return the groups of annotators who can be compared directly or through others."""
    groups: list[set[str]] = []
    for pair in pairs:
        joined = {pair.x, pair.y}.union(*(group for group in groups if group & {pair.x, pair.y}))
        groups = [*(group for group in groups if not group & joined), joined]
    return groups


def _correlation(first: Sequence[Numbers], second: Sequence[Numbers], shift: int) -> tuple[float, int]:
    """Return the correlation if the first is ``shift`` frames later than the second, and the number of frames."""
    x = np.concatenate([_trim(track, max(shift, 0), max(-shift, 0)) for track in first])
    y = np.concatenate([_trim(track, max(-shift, 0), max(shift, 0)) for track in second])
    both = ~np.isnan(x) & ~np.isnan(y)
    common = int(both.sum())
    if common < _MIN_COMMON_FRAMES:
        return float("nan"), common
    x, y = x[both] - x[both].mean(), y[both] - y[both].mean()
    scale = np.sqrt((x * x).sum() * (y * y).sum())
    return (float((x * y).sum() / scale) if scale > 0 else float("nan")), common


def _trim(track: Numbers, at_start: int, at_end: int) -> Numbers:
    return track[at_start : max(at_start, len(track) - at_end)]
