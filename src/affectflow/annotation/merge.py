"""Merging of all annotators' traces to one valence and one arousal for each image of the annotation videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from affectflow.annotation.columns import AFFECT_COLUMNS, MANIFEST_COLUMNS, read_annotation_video_table
from affectflow.annotation.consensus import Consensus, MergeOptions, decimal
from affectflow.annotation.find_video import AnnotationVideo
from affectflow.annotation.recording import DIMENSIONS
from affectflow.annotation.trace_log import OwnVideoTraceLog
from affectflow.annotation.traces import read_folder
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import write_csv

_IMAGE_COLUMNS = ("file_name", "url", "image_sha256", "annotation_video", "frame")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Paths of the tables that are written."""

    merged: Path
    agreement: Path
    annotators: Path


def merge_traces(folder: Path, manifest: Path, outputs: Outputs, merge_options: MergeOptions) -> tuple[int, int]:
    """Average the annotators of each frame, and write the tables.

    Every frame of the manifest has a row; its valence or arousal is empty if no annotator gave one.

    Args:
        folder: Folder of traces, with a sub-folder for each annotator.
        manifest: The manifest of the annotation videos.
        outputs: Where the tables are written.
        merge_options: Options of merging.

    Returns:
        Number of frames, and number of frames without valence and arousal.

    Raises:
        UserError: There are no traces, or they do not fit the manifest (see
            :func:`affectflow.annotation.traces.read_tracks`).
    """
    rows = list(read_annotation_video_table(manifest, MANIFEST_COLUMNS))
    _check_copy(folder / "manifest.csv", rows)
    videos = _annotation_videos(rows)
    tracks = read_folder(
        folder,
        exclude=[OwnVideoTraceLog.file_name],
        videos=videos,
        trace_range=merge_options.trace_range,
        how_to_trace="annotate a video, or set data.annotations to null",
    )
    consensus = Consensus.of(tracks, videos, merge_options)
    means = consensus.means
    write_csv(
        outputs.merged,
        AFFECT_COLUMNS,
        (
            (
                *(row[name] for name in _IMAGE_COLUMNS),
                *(decimal(means[d].mean[i]) for d in DIMENSIONS),
                *(decimal(means[d].std[i]) for d in DIMENSIONS),
                *(means[d].count[i] for d in DIMENSIONS),
                *(means[d].sources(i) for d in DIMENSIONS),
            )
            for i, row in enumerate(rows)
        ),
    )
    consensus.write(outputs.agreement, outputs.annotators)
    return len(rows), int(np.sum((means["valence"].count == 0) & (means["arousal"].count == 0)))


def _check_copy(copy: Path, rows: Sequence[dict[str, str]]) -> None:
    """Check the manifest that is stored with the traces, if any: the traces were made of the images that it lists."""
    if copy.is_file():
        current = {(row["annotation_video"], row["frame"]): row["image_sha256"] for row in rows}
        for row in read_annotation_video_table(copy, MANIFEST_COLUMNS):
            number, frame = row["annotation_video"], row["frame"]
            if current.get((number, frame)) != row["image_sha256"]:
                raise UserError(
                    f"{copy} has another image for annotation video {number}, frame {frame}, than the annotation "
                    "videos have now; these traces are of other videos: move them out of data.annotations."
                )


def _annotation_videos(rows: Sequence[dict[str, str]]) -> dict[int, AnnotationVideo]:
    """Return the videos of a manifest, whose rows are in the order of videos and frames."""
    by_number: dict[int, list[dict[str, str]]] = {}
    for row in rows:
        by_number.setdefault(int(row["annotation_video"]), []).append(row)
    return {
        number: AnnotationVideo(
            number=number,
            images=[row["file_name"] for row in frames],
            times=np.array([float(row["time"]) for row in frames]),
            digests=[row["image_sha256"] for row in frames],
        )
        for number, frames in by_number.items()
    }
