"""Traces of all annotators -> one valence and one arousal for each image, with the annotators' agreement."""

from __future__ import annotations

import warnings
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import AFFECT_COLUMNS, AGREEMENT_COLUMNS, MANIFEST_COLUMNS
from affectflow.annotation.traces import DIMENSIONS, Trace, find_traces, read_traces
from affectflow.errors import UserError
from affectflow.measures.agreement import agree
from affectflow.tables import read_csv, write_csv


def merge_traces(folder: Path, manifest: Path, merged: Path, agreement: Path, trace_range: float) -> tuple[int, int]:
    """Average the annotators of each frame; returns the numbers of frames and of frames without any value.

    Every frame of the manifest has a row; its valence or arousal is empty where no annotator gave one. Agreement is
    the CCC of each pair of annotators over the frames that both annotated. Raises :class:`UserError` for traces
    that do not fit the manifest (see :func:`affectflow.annotation.traces.read_traces`).
    """
    rows = list(read_csv(manifest, MANIFEST_COLUMNS))
    _check_copy(folder / "manifest.csv", rows)
    frames: dict[int, int] = defaultdict(int)
    for row in rows:
        frames[int(row["batch"])] += 1
    offsets = dict(zip(frames, np.cumsum([0, *frames.values()]), strict=False))
    tracks = _tracks(folder, dict(frames), {batch: int(offset) for batch, offset in offsets.items()}, trace_range)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of no annotators is NaN, as it should be
        means = {d: np.nanmean(tracks[d][1], axis=0) for d in DIMENSIONS}
        spreads = {d: np.nanstd(tracks[d][1], axis=0) for d in DIMENSIONS}
    counts = {d: np.sum(~np.isnan(tracks[d][1]), axis=0) for d in DIMENSIONS}
    write_csv(
        merged,
        AFFECT_COLUMNS,
        (
            (
                row["file_name"],
                row["url"],
                row["image_sha256"],
                row["batch"],
                row["frame"],
                *(_decimal(means[d][i]) for d in DIMENSIONS),
                *(_decimal(spreads[d][i]) for d in DIMENSIONS),
                *(counts[d][i] for d in DIMENSIONS),
            )
            for i, row in enumerate(rows)
        ),
    )
    write_csv(agreement, AGREEMENT_COLUMNS, (line for d in DIMENSIONS for line in _agreement(d, *tracks[d])))
    return len(rows), int(np.sum((counts["valence"] == 0) & (counts["arousal"] == 0)))


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


def _tracks(
    folder: Path, frames: dict[int, int], offsets: dict[int, int], trace_range: float
) -> dict[str, tuple[list[str], NDArray[np.float64]]]:
    """For each dimension the annotators and their values, float64 [annotators, frames of all batches]."""
    total = sum(frames.values())
    tracks: dict[str, dict[str, NDArray[np.float64]]] = {d: {} for d in DIMENSIONS}
    known: dict[tuple[str, int, str], Trace] = {}
    for path in find_traces(folder):
        for trace in read_traces(path, folder, frames, trace_range):
            key = (trace.annotator, trace.batch, trace.dimension)
            if key in known:
                raise UserError(f"{path} and {known[key].path} are the same trace; remove one of them.")
            known[key] = trace
            track = tracks[trace.dimension].setdefault(trace.annotator, np.full(total, np.nan))
            start = offsets[trace.batch]
            track[start : start + frames[trace.batch]] = trace.values
    if not known:
        raise UserError(f"{folder} holds no trace; annotate a batch, or set data.annotations to null.")
    return {d: (list(t), np.array(list(t.values())).reshape(len(t), total)) for d, t in tracks.items()}


def _agreement(
    dimension: str, annotators: list[str], tracks: NDArray[np.float64]
) -> list[tuple[str, str, str, int, str]]:
    lines = []
    for (one, x), (other, y) in combinations(zip(annotators, tracks, strict=True), 2):
        both = ~np.isnan(x) & ~np.isnan(y)
        lines.append((dimension, one, other, int(both.sum()), _decimal(float(agree(x[both], y[both]).ccc))))
    return lines


def _decimal(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"
