"""Annotators' tracks -> one valence and one arousal for each frame, with how far the annotators agree."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import AGREEMENT_COLUMNS, ANNOTATOR_COLUMNS
from affectflow.annotation.lag import lags_of, pairwise_lags
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.traces import Batch, Track, together
from affectflow.metrics.agreement import agree
from affectflow.tables.csv_files import write_csv

Numbers = NDArray[np.float64]
KEPT = "yes"


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """See ``annotation`` in ``config/README.md``; ``lag_s`` is None where it is to be estimated."""

    trace_range: float
    lag_s: float | None
    max_lag_s: float
    min_ccc: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        lag = settings["lag_s"]
        return cls(
            settings["trace_range"],
            None if lag == "estimate" else float(lag),
            settings["max_lag_s"],
            settings["min_ccc"],
        )


@dataclass(slots=True, eq=False)
class Annotator:
    """One dimension: ``values`` float64 [frames of all batches]."""

    name: str
    tracks: Mapping[int, Track]
    lag_s: float
    values: Numbers
    ccc: float = float("nan")
    kept: str = KEPT


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """Over those who are kept, [frames] each."""

    names: Sequence[str]
    there: NDArray[np.bool_]
    mean: Numbers
    spread: Numbers
    count: NDArray[np.int64]

    @classmethod
    def of(cls, annotators: Sequence[Annotator], frames: int) -> Self:
        kept = [one for one in annotators if one.kept == KEPT]
        values = np.array([one.values for one in kept]).reshape(len(kept), frames)
        there = ~np.isnan(values)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no annotators is NaN, as it should be
            mean, spread = (
                (np.nanmean(values, axis=0), np.nanstd(values, axis=0)) if kept else (np.full((2, frames), np.nan))
            )
        return cls([one.name for one in kept], there, mean, spread, there.sum(axis=0))

    def sources(self, frame: int) -> str:
        """Names of those who gave a value."""
        return ";".join(name for name, there in zip(self.names, self.there[:, frame], strict=True) if there)


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """By dimension: its annotators by name, and what those of them who are kept come to."""

    annotators: Mapping[str, Sequence[Annotator]]
    means: Mapping[str, Mean]

    @classmethod
    def of(cls, tracks: Sequence[Track], batches: Mapping[int, Batch], merge_options: MergeOptions) -> Self:
        """Annotators are moved by their reaction lag, and those whose CCC with the mean of the others lies below the
        floor are left out."""
        by_annotator = together(tracks)
        annotators = {d: _annotators(d, by_annotator, batches, merge_options) for d in DIMENSIONS}
        for of_dimension in annotators.values():
            _compare(of_dimension, merge_options.min_ccc)
        frames = sum(len(batch.images) for batch in batches.values())
        return cls(annotators, {d: Mean.of(of_dimension, frames) for d, of_dimension in annotators.items()})

    def write(self, agreement: Path, annotators: Path) -> None:
        """The tables of pairs and of annotators."""
        pairs = (line for d, of_dimension in self.annotators.items() for line in _agreement(d, of_dimension))
        write_csv(agreement, AGREEMENT_COLUMNS, pairs)
        rows = (_row(d, one) for d, of_dimension in self.annotators.items() for one in of_dimension)
        write_csv(annotators, ANNOTATOR_COLUMNS, rows)


def _annotators(
    dimension: str,
    by_annotator: Mapping[tuple[str, str], Mapping[int, Track]],
    batches: Mapping[int, Batch],
    merge_options: MergeOptions,
) -> list[Annotator]:
    """Those of a dimension, by name, each moved by its lag."""
    tracks = {name: found for (one, name), found in sorted(by_annotator.items()) if one == dimension}
    lags = _lags(tracks, batches, merge_options)
    return [
        Annotator(name, found, lags[name], np.concatenate(_sampled(found, batches, lags[name])))
        for name, found in tracks.items()
    ]


def _lags(
    tracks: Mapping[str, Mapping[int, Track]], batches: Mapping[int, Batch], merge_options: MergeOptions
) -> dict[str, float]:
    """Seconds by annotator; none where all was judged at rest."""
    moving = {name: {b: t for b, t in found.items() if not t.still} for name, found in tracks.items()}
    if merge_options.lag_s is not None:
        return {name: merge_options.lag_s if moving[name] else 0.0 for name in tracks}
    spacing = [np.diff(batch.times) for batch in batches.values()]
    frame_s = float(np.median(np.concatenate(spacing))) if any(len(part) for part in spacing) else 1.0
    # Videos of other rates are looked at as often as most frames are shown.
    shown = {number: _shown_every(frame_s, batch.times) for number, batch in batches.items()}
    unmoved = {
        name: [track[shown[number]] for number, track in zip(batches, _sampled(found, batches, 0.0), strict=True)]
        for name, found in moving.items()
        if found
    }
    pairs = list(pairwise_lags(unmoved, round(merge_options.max_lag_s / frame_s)))
    return {name: frames * frame_s for name, frames in lags_of(list(tracks), pairs).items()}


def _shown_every(seconds: float, times: Numbers) -> NDArray[np.int64]:
    """Which frame is nearest, from a video's beginning to its end."""
    if len(times) == 0:
        return np.zeros(0, np.int64)
    wanted = times[0] + seconds * np.arange(round((times[-1] - times[0]) / seconds) + 1)
    nearest: NDArray[np.int64] = np.searchsorted((times[1:] + times[:-1]) / 2, wanted)
    return nearest


def _sampled(tracks: Mapping[int, Track], batches: Mapping[int, Batch], lag_s: float) -> list[Numbers]:
    """By batch."""
    nothing = {number: np.full(len(batch.images), np.nan) for number, batch in batches.items()}
    return [tracks[number].sample(lag_s) if number in tracks else empty for number, empty in nothing.items()]


def _compare(annotators: list[Annotator], floor: float | None) -> None:
    """Hold each against the mean of the others, and leave out who is below the floor, the worst first.

    Of two, both are: nobody can say which of them is right.
    """
    _measure(annotators)
    if floor is None:
        return
    while below := [one for one in annotators if one.kept == KEPT and one.ccc < floor]:
        worst = min(one.ccc for one in below)
        for one in below:
            if one.ccc == worst:
                one.kept = f"no: CCC {one.ccc:.3f} is below {floor:g}"
        _measure([one for one in annotators if one.kept == KEPT])


def _measure(annotators: Sequence[Annotator]) -> None:
    for one in annotators:
        others = Mean.of([other for other in annotators if other is not one], len(one.values)).mean
        both = ~np.isnan(one.values) & ~np.isnan(others)
        one.ccc = float(agree(one.values[both], others[both]).ccc) if both.any() else float("nan")


def _agreement(dimension: str, annotators: Sequence[Annotator]) -> list[tuple[str, str, str, int, str, str]]:
    lines = []
    for one, other in combinations(annotators, 2):
        both = ~np.isnan(one.values) & ~np.isnan(other.values)
        found = agree(one.values[both], other.values[both])
        numbers = decimal(float(found.ccc)), decimal(float(found.pcc))
        lines.append((dimension, one.name, other.name, int(both.sum()), *numbers))
    return lines


def _row(dimension: str, one: Annotator) -> tuple[object, ...]:
    tools = ";".join(sorted({track.tool for track in one.tracks.values()}))
    frames = int(np.sum(~np.isnan(one.values)))
    twice = [pair for track in one.tracks.values() for pair in track.twice]
    with_self = float(agree(*zip(*twice, strict=True)).ccc) if twice else float("nan")
    guessed = sum(track.after_prediction for track in one.tracks.values())
    facts = (dimension, one.name, tools, len(one.tracks), frames, f"{one.lag_s:.3f}")
    return (*facts, decimal(one.ccc), len(twice), decimal(with_self), guessed, one.kept)


def decimal(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"
