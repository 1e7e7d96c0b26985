"""Consensus: annotators' tracks become one valence and one arousal per frame, with measures of their agreement."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import AGREEMENT_COLUMNS, ANNOTATOR_COLUMNS, INCLUDED
from affectflow.annotation.find_video import AnnotationVideo
from affectflow.annotation.lag import lags_of, pairwise_lags
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.traces import Track, join_tracks
from affectflow.metrics.agreement import agree
from affectflow.tables.csv_files import write_csv

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MergeOptions:
    """Options of merging; see ``annotation`` in ``config/README.md``.

    Attributes:
        trace_range: The value in a trace that becomes 1, for tools without a range of their own.
        lag_s: Reaction lag of all annotators in seconds; None to estimate it.
        max_lag_s: Largest lag to try, in seconds.
        min_ccc: Annotators with a lower CCC with the mean of the others are excluded; None to include all.
    """

    trace_range: float
    lag_s: float | None
    max_lag_s: float
    min_ccc: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Read the options from a section of the configuration, in which ``lag_s`` may be "estimate"."""
        lag = settings["lag_s"]
        return cls(
            trace_range=settings["trace_range"],
            lag_s=None if lag == "estimate" else float(lag),
            max_lag_s=settings["max_lag_s"],
            min_ccc=settings["min_ccc"],
        )


@dataclass(slots=True, eq=False)
class Annotator:
    """One dimension of one annotator.

    Attributes:
        name: The annotator.
        tracks: By number of the video.
        lag_s: Reaction lag in seconds.
        values: [frames of all videos], without the lag; NaN for a frame without a value.
        ccc: CCC with the mean of the other annotators.
        included: "yes", or "no" with the reason.
    """

    name: str
    tracks: Mapping[int, Track]
    lag_s: float
    values: Numbers
    ccc: float = float("nan")
    included: str = INCLUDED


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """Mean over the included annotators, all arrays over the [frames] of all videos.

    Attributes:
        names: Included annotators.
        given: [annotators, frames] whether the annotator gave a value.
        mean: NaN for a frame without a value.
        std: Standard deviation; NaN for a frame without a value.
        count: Number of values.
    """

    names: Sequence[str]
    given: NDArray[np.bool_]
    mean: Numbers
    std: Numbers
    count: NDArray[np.int64]

    @classmethod
    def of(cls, annotators: Sequence[Annotator], frames: int) -> Self:
        """Average annotators; those who are not included are left out.

        Args:
            annotators: Annotators of one dimension.
            frames: Number of frames of all videos.
        """
        included = [annotator for annotator in annotators if annotator.included == INCLUDED]
        values = np.array([annotator.values for annotator in included]).reshape(len(included), frames)
        given = ~np.isnan(values)
        mean, std = np.full((2, frames), np.nan)
        if included:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # NaN is the intended mean of no values
                mean, std = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
        names = [annotator.name for annotator in included]
        return cls(names=names, given=given, mean=mean, std=std, count=given.sum(axis=0))

    def sources(self, frame: int) -> str:
        """Return the names of the annotators who gave a value for a frame (from 0), separated by semicolons."""
        return ";".join(name for name, given in zip(self.names, self.given[:, frame], strict=True) if given)


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """Annotators in the order of their names, and the mean of those who are included, by dimension."""

    annotators: Mapping[str, Sequence[Annotator]]
    means: Mapping[str, Mean]

    @classmethod
    def of(cls, tracks: Sequence[Track], videos: Mapping[int, AnnotationVideo], merge_options: MergeOptions) -> Self:
        """Average tracks after removing each annotator's reaction lag and excluding annotators below the minimum CCC.

        Args:
            tracks: All tracks.
            videos: By number; the frames of the result are those of all videos in this order.
            merge_options: Lag and minimum CCC.

        Raises:
            UserError: Two tracks of one annotator have values for the same frames.
        """
        joined = join_tracks(tracks)
        annotators = {dimension: _annotators(dimension, joined, videos, merge_options) for dimension in DIMENSIONS}
        for of_dimension in annotators.values():
            _exclude(of_dimension, merge_options.min_ccc)
        frames = sum(len(video.images) for video in videos.values())
        means = {dimension: Mean.of(of_dimension, frames) for dimension, of_dimension in annotators.items()}
        return cls(annotators, means)

    def write(self, agreement: Path, annotators: Path) -> None:
        """Write the table of pairs of annotators and the table of annotators.

        Args:
            agreement: The CSV file of pairs.
            annotators: The CSV file of annotators.
        """
        pairs = (row for dimension, found in self.annotators.items() for row in _agreement_rows(dimension, found))
        write_csv(agreement, AGREEMENT_COLUMNS, pairs)
        rows = (_annotator_row(dimension, one) for dimension, found in self.annotators.items() for one in found)
        write_csv(annotators, ANNOTATOR_COLUMNS, rows)


def _annotators(
    dimension: str,
    joined: Mapping[tuple[str, str], Mapping[int, Track]],
    videos: Mapping[int, AnnotationVideo],
    merge_options: MergeOptions,
) -> list[Annotator]:
    """Return the annotators of a dimension by name, with their lag removed."""
    tracks = {name: found for (of_dimension, name), found in sorted(joined.items()) if of_dimension == dimension}
    lags = _lags(tracks, videos, merge_options)
    return [
        Annotator(name, found, lags[name], np.concatenate(_sampled(found, videos, lags[name])))
        for name, found in tracks.items()
    ]


def _lags(
    tracks: Mapping[str, Mapping[int, Track]],
    videos: Mapping[int, AnnotationVideo],
    merge_options: MergeOptions,
) -> dict[str, float]:
    """Return each annotator's lag in seconds, 0 for those who only rated images."""
    traced = {name: {n: track for n, track in found.items() if not track.is_rating} for name, found in tracks.items()}
    if merge_options.lag_s is not None:
        return {name: merge_options.lag_s if traced[name] else 0.0 for name in tracks}
    spacing = [np.diff(video.times) for video in videos.values()]
    frame_s = float(np.median(np.concatenate(spacing))) if any(len(part) for part in spacing) else 1.0
    # Lags are counted in frames, so videos of other frame rates are resampled to the most common one.
    resampled = {number: _nearest_frames(frame_s, video.times) for number, video in videos.items()}
    values = {
        name: [track[resampled[number]] for number, track in zip(videos, _sampled(found, videos, 0.0), strict=True)]
        for name, found in traced.items()
        if found
    }
    pairs = list(pairwise_lags(values, round(merge_options.max_lag_s / frame_s)))
    return {name: frames * frame_s for name, frames in lags_of(list(tracks), pairs).items()}


def _nearest_frames(spacing_s: float, times: Numbers) -> NDArray[np.int64]:
    """Return the nearest frames (from 0) to equally spaced times from a video's beginning to its end."""
    if len(times) == 0:
        return np.zeros(0, np.int64)
    wanted = times[0] + spacing_s * np.arange(round((times[-1] - times[0]) / spacing_s) + 1)
    nearest: NDArray[np.int64] = np.searchsorted((times[1:] + times[:-1]) / 2, wanted)
    return nearest


def _sampled(tracks: Mapping[int, Track], videos: Mapping[int, AnnotationVideo], lag_s: float) -> list[Numbers]:
    """Return the values [frames] of each video, NaN for a video without a track."""
    empty = {number: np.full(len(video.images), np.nan) for number, video in videos.items()}
    return [tracks[number].sample(lag_s) if number in tracks else missing for number, missing in empty.items()]


def _exclude(annotators: Sequence[Annotator], min_ccc: float | None) -> None:
    """Compare each annotator with the mean of the others, and exclude those below the minimum, the lowest first.

    Of two annotators, both are excluded: nothing shows which of them is right.
    """
    _compare(annotators)
    if min_ccc is None:
        return
    while below := [one for one in annotators if one.included == INCLUDED and one.ccc < min_ccc]:
        lowest = min(one.ccc for one in below)
        for one in below:
            if one.ccc == lowest:
                one.included = f"no: CCC {one.ccc:.3f} is below {min_ccc:g}"
        _compare([one for one in annotators if one.included == INCLUDED])


def _compare(annotators: Sequence[Annotator]) -> None:
    """Set each annotator's CCC with the mean of the others."""
    for one in annotators:
        others = Mean.of([other for other in annotators if other is not one], len(one.values)).mean
        both = ~np.isnan(one.values) & ~np.isnan(others)
        one.ccc = float(agree(one.values[both], others[both]).ccc) if both.any() else float("nan")


def _agreement_rows(dimension: str, annotators: Sequence[Annotator]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for one, other in combinations(annotators, 2):
        both = ~np.isnan(one.values) & ~np.isnan(other.values)
        found = agree(one.values[both], other.values[both])
        ccc, pcc = decimal(float(found.ccc)), decimal(float(found.pcc))
        rows.append((dimension, one.name, other.name, int(both.sum()), ccc, pcc))
    return rows


def _annotator_row(dimension: str, annotator: Annotator) -> tuple[object, ...]:
    """Return the cells of :data:`ANNOTATOR_COLUMNS`."""
    tracks = annotator.tracks.values()
    repeats = [pair for track in tracks for pair in track.repeats]
    with_self = float(agree(*zip(*repeats, strict=True)).ccc) if repeats else float("nan")
    return (
        dimension,
        annotator.name,
        ";".join(sorted({track.tool for track in tracks})),
        len(tracks),
        int(np.sum(~np.isnan(annotator.values))),
        f"{annotator.lag_s:.3f}",
        decimal(annotator.ccc),
        len(repeats),
        decimal(with_self),
        sum(track.after_prediction for track in tracks),
        annotator.included,
    )


def decimal(value: float) -> str:
    """Write a number with six decimals, NaN as an empty cell."""
    return "" if np.isnan(value) else f"{value:.6f}"
