"""Traces of all annotators -> one valence and one arousal for each image, with the annotators' agreement."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import AFFECT_COLUMNS, AGREEMENT_COLUMNS, ANNOTATOR_COLUMNS, MANIFEST_COLUMNS
from affectflow.annotation.lag import lags_of, pairwise_lags
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.traces import Batch, Track, find_traces, read_tracks, together
from affectflow.errors import UserError
from affectflow.measures.agreement import agree
from affectflow.tables import read_csv, write_csv

Numbers = NDArray[np.float64]
KEPT = "yes"


@dataclass(frozen=True, slots=True)
class Wishes:
    """See ``annotation`` in ``config/README.md``; ``lag_s`` is None where it is to be estimated."""

    trace_range: float
    lag_s: float | None
    most_lag_s: float
    agreement_floor: float | None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        lag = settings["lag_s"]
        return cls(
            settings["trace_range"],
            None if lag == "estimate" else float(lag),
            settings["most_lag_s"],
            settings["agreement_floor"],
        )


@dataclass(frozen=True, slots=True)
class Outputs:
    """The tables that are written."""

    merged: Path
    agreement: Path
    annotators: Path


@dataclass(slots=True, eq=False)
class _Annotator:
    """One dimension: ``values`` float64 [frames of all batches]."""

    name: str
    tracks: Mapping[int, Track]
    lag_s: float
    values: Numbers
    ccc: float = float("nan")
    kept: str = KEPT


def merge_traces(folder: Path, manifest: Path, outputs: Outputs, wishes: Wishes) -> tuple[int, int]:
    """Average the annotators of each frame; returns the numbers of frames and of frames without any value.

    Every frame of the manifest has a row; its valence or arousal is empty where no annotator gave one. Annotators are
    moved by their reaction lag, and those whose CCC with the mean of the others lies below the floor are left out.
    Raises :class:`UserError` for traces that do not fit the manifest (see
    :func:`affectflow.annotation.traces.read_tracks`).
    """
    rows = list(read_csv(manifest, MANIFEST_COLUMNS))
    _check_copy(folder / "manifest.csv", rows)
    batches = _batches(rows)
    tracks = [track for path in find_traces(folder) for track in read_tracks(path, folder, batches, wishes.trace_range)]
    if not tracks:
        raise UserError(f"{folder} holds no trace; annotate a batch, or set data.annotations to null.")
    by_annotator = together(tracks)
    found = {d: _annotators(d, by_annotator, batches, wishes) for d in DIMENSIONS}
    for annotators in found.values():
        _compare(annotators, wishes.agreement_floor)
    means = {d: _Mean.of(annotators, len(rows)) for d, annotators in found.items()}
    write_csv(
        outputs.merged,
        AFFECT_COLUMNS,
        (
            (
                *(row[name] for name in ("file_name", "url", "image_sha256", "batch", "frame")),
                *(_decimal(means[d].mean[i]) for d in DIMENSIONS),
                *(_decimal(means[d].spread[i]) for d in DIMENSIONS),
                *(means[d].count[i] for d in DIMENSIONS),
                *(means[d].sources(i) for d in DIMENSIONS),
            )
            for i, row in enumerate(rows)
        ),
    )
    write_csv(outputs.agreement, AGREEMENT_COLUMNS, (line for d in DIMENSIONS for line in _agreement(d, found[d])))
    write_csv(outputs.annotators, ANNOTATOR_COLUMNS, (_row(d, one) for d in DIMENSIONS for one in found[d]))
    return len(rows), int(np.sum((means["valence"].count == 0) & (means["arousal"].count == 0)))


def _check_copy(copy: Path, rows: list[dict[str, str]]) -> None:
    """A manifest kept beside the traces says which pictures they were made of; it must still hold."""
    if copy.is_file():
        current = {(row["batch"], row["frame"]): row["image_sha256"] for row in rows}
        for row in read_csv(copy, MANIFEST_COLUMNS):
            if current.get((row["batch"], row["frame"])) != row["image_sha256"]:
                raise UserError(
                    f"{copy} shows another picture in batch {row['batch']}, frame {row['frame']}, than the "
                    "batches have now; these traces belong to other batches."
                )


def _batches(rows: Sequence[dict[str, str]]) -> dict[int, Batch]:
    """In the manifest's order, which is that of batches and frames."""
    images: dict[int, list[str]] = {}
    times: dict[int, list[float]] = {}
    digests: dict[int, list[str]] = {}
    for row in rows:
        digests.setdefault(int(row["batch"]), []).append(row["image_sha256"])
        images.setdefault(int(row["batch"]), []).append(row["file_name"])
        times.setdefault(int(row["batch"]), []).append(float(row["time"]))
    return {number: Batch(number, names, np.array(times[number]), digests[number]) for number, names in images.items()}


def _annotators(
    dimension: str,
    by_annotator: Mapping[tuple[str, str], Mapping[int, Track]],
    batches: Mapping[int, Batch],
    wishes: Wishes,
) -> list[_Annotator]:
    """Those of a dimension, by name, each moved by its lag."""
    tracks = {name: found for (one, name), found in sorted(by_annotator.items()) if one == dimension}
    lags = _lags(tracks, batches, wishes)
    return [
        _Annotator(name, found, lags[name], np.concatenate(_sampled(found, batches, lags[name])))
        for name, found in tracks.items()
    ]


def _lags(tracks: Mapping[str, Mapping[int, Track]], batches: Mapping[int, Batch], wishes: Wishes) -> dict[str, float]:
    """Seconds by annotator; none where all was judged at rest."""
    moving = {name: {b: t for b, t in found.items() if not t.still} for name, found in tracks.items()}
    if wishes.lag_s is not None:
        return {name: wishes.lag_s if moving[name] else 0.0 for name in tracks}
    spacing = [np.diff(batch.times) for batch in batches.values()]
    frame_s = float(np.median(np.concatenate(spacing))) if any(len(part) for part in spacing) else 1.0
    unmoved = {name: _sampled(found, batches, 0.0) for name, found in moving.items() if found}
    pairs = list(pairwise_lags(unmoved, round(wishes.most_lag_s / frame_s)))
    return {name: frames * frame_s for name, frames in lags_of(list(tracks), pairs).items()}


def _sampled(tracks: Mapping[int, Track], batches: Mapping[int, Batch], lag_s: float) -> list[Numbers]:
    """By batch."""
    nothing = {number: np.full(len(batch.images), np.nan) for number, batch in batches.items()}
    return [tracks[number].sample(lag_s) if number in tracks else empty for number, empty in nothing.items()]


def _compare(annotators: list[_Annotator], floor: float | None) -> None:
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


def _measure(annotators: Sequence[_Annotator]) -> None:
    for one in annotators:
        others = _Mean.of([other for other in annotators if other is not one], len(one.values)).mean
        both = ~np.isnan(one.values) & ~np.isnan(others)
        one.ccc = float(agree(one.values[both], others[both]).ccc) if both.any() else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class _Mean:
    """Over those who are kept, [frames] each."""

    names: Sequence[str]
    there: NDArray[np.bool_]
    mean: Numbers
    spread: Numbers
    count: NDArray[np.int64]

    @classmethod
    def of(cls, annotators: Sequence[_Annotator], frames: int) -> Self:
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


def _agreement(dimension: str, annotators: Sequence[_Annotator]) -> list[tuple[str, str, str, int, str, str]]:
    lines = []
    for one, other in combinations(annotators, 2):
        both = ~np.isnan(one.values) & ~np.isnan(other.values)
        found = agree(one.values[both], other.values[both])
        numbers = _decimal(float(found.ccc)), _decimal(float(found.pcc))
        lines.append((dimension, one.name, other.name, int(both.sum()), *numbers))
    return lines


def _row(dimension: str, one: _Annotator) -> tuple[object, ...]:
    tools = ";".join(sorted({track.tool for track in one.tracks.values()}))
    frames = int(np.sum(~np.isnan(one.values)))
    twice = [pair for track in one.tracks.values() for pair in track.twice]
    with_self = float(agree(*zip(*twice, strict=True)).ccc) if twice else float("nan")
    guessed = sum(track.after_guess for track in one.tracks.values())
    facts = (dimension, one.name, tools, len(one.tracks), frames, f"{one.lag_s:.3f}")
    return (*facts, _decimal(one.ccc), len(twice), _decimal(with_self), guessed, one.kept)


def _decimal(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"
