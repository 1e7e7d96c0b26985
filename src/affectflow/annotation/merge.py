"""Traces of all annotators -> one valence and one arousal for each image of the batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectflow.annotation.columns import AFFECT_COLUMNS, MANIFEST_COLUMNS
from affectflow.annotation.consensus import Consensus, MergeOptions, decimal
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.trace_log import OwnVideoTraceLog
from affectflow.annotation.traces import Batch, find_traces, read_tracks
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv, write_csv


@dataclass(frozen=True, slots=True)
class Outputs:
    """The tables that are written."""

    merged: Path
    agreement: Path
    annotators: Path


def merge_traces(folder: Path, manifest: Path, outputs: Outputs, merge_options: MergeOptions) -> tuple[int, int]:
    """Average the annotators of each frame; returns the numbers of frames and of frames without any value.

    Every frame of the manifest has a row; its valence or arousal is empty where no annotator gave one. Raises
    :class:`UserError` for traces that do not fit the manifest (see :func:`affectflow.annotation.traces.read_tracks`).
    """
    rows = list(read_csv(manifest, MANIFEST_COLUMNS))
    _check_copy(folder / "manifest.csv", rows)
    batches = _batches(rows)
    files = find_traces(folder, without=[OwnVideoTraceLog.file_name])
    tracks = [track for path in files for track in read_tracks(path, folder, batches, merge_options.trace_range)]
    if not tracks:
        raise UserError(f"{folder} holds no trace; annotate a batch, or set data.annotations to null.")
    consensus = Consensus.of(tracks, batches, merge_options)
    means = consensus.means
    write_csv(
        outputs.merged,
        AFFECT_COLUMNS,
        (
            (
                *(row[name] for name in ("file_name", "url", "image_sha256", "batch", "frame")),
                *(decimal(means[d].mean[i]) for d in DIMENSIONS),
                *(decimal(means[d].spread[i]) for d in DIMENSIONS),
                *(means[d].count[i] for d in DIMENSIONS),
                *(means[d].sources(i) for d in DIMENSIONS),
            )
            for i, row in enumerate(rows)
        ),
    )
    consensus.write(outputs.agreement, outputs.annotators)
    return len(rows), int(np.sum((means["valence"].count == 0) & (means["arousal"].count == 0)))


def _check_copy(copy: Path, rows: list[dict[str, str]]) -> None:
    """A manifest kept beside the traces says which images they were made of; it must still hold."""
    if copy.is_file():
        current = {(row["batch"], row["frame"]): row["image_sha256"] for row in rows}
        for row in read_csv(copy, MANIFEST_COLUMNS):
            if current.get((row["batch"], row["frame"])) != row["image_sha256"]:
                raise UserError(
                    f"{copy} shows another image in batch {row['batch']}, frame {row['frame']}, than the "
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
