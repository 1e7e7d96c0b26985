"""Columns of the annotation tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from affectflow.tables.csv_files import read_csv
from affectflow.tables.text import open_text

MANIFEST_COLUMNS = ("annotation_video", "frame", "video", "time", "file_name", "url", "image_sha256")
"""``annotation_video`` is the number of the video, ``video`` its file name; ``frame`` counts from 1, ``time`` is in
seconds."""
AFFECT_COLUMNS = (
    "file_name",
    "url",
    "image_sha256",
    "annotation_video",
    "frame",
    "valence",
    "arousal",
    "valence_sd",
    "arousal_sd",
    "valence_annotators",
    "arousal_annotators",
    "valence_sources",
    "arousal_sources",
)
AGREEMENT_COLUMNS = ("dimension", "annotator_1", "annotator_2", "frames", "ccc", "pcc")
ANNOTATOR_COLUMNS = (
    "dimension",
    "annotator",
    "tools",
    "videos",
    "frames",
    "lag_s",
    "ccc_with_others",
    "repeats",
    "ccc_with_self",
    "after_prediction",
    "included",
)
"""``ccc_with_others`` is empty if no other annotator rated these frames, ``ccc_with_self`` if no image was shown twice
(``repeats``). ``after_prediction`` counts frames that were rated after the annotator saw the model prediction.
``included`` is :data:`INCLUDED`, or "no" with the reason."""
INCLUDED = "yes"
MERGED_COLUMNS = ("video",)
MODEL_PREDICTION_COLUMNS = ("image_sha256", "valence", "arousal", "uncertainty")

_FORMER_NAME = "batch"
"""What earlier versions called the column ``annotation_video``."""


def read_annotation_video_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a manifest or another table with the column ``annotation_video``.

    Tables of earlier versions call that column ``batch``; they are read too, because traces depend on them.

    Args:
        path: The CSV file.
        columns: Columns that it must have.

    Raises:
        UserError: The file cannot be read, or a column is missing.
    """
    with open_text(path) as stream:
        header = next(csv.reader(stream), [])
    is_former = "annotation_video" not in header and _FORMER_NAME in header
    if not is_former:
        yield from read_csv(path, columns)
        return
    for row in read_csv(path, [_FORMER_NAME if name == "annotation_video" else name for name in columns]):
        yield {**row, "annotation_video": row[_FORMER_NAME]}
