"""The table of faces: one row for each image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from affectflow.core.errors import UserError
from affectflow.datasets.face import Face
from affectflow.datasets.sample import Sample
from affectflow.media.pixels import NoImage
from affectflow.tables.parquet import parquet_rows

FOUND = "found"
GIVEN = "given"
NO_FACE = "no_face"
NOT_LOOKED_FOR = ""
FACE_FIELDS = (
    ("face", pa.string()),
    ("face_score", pa.float32()),
    ("face_box", pa.list_(pa.float32(), 4)),
    ("face_points", pa.list_(pa.float32(), 10)),
    ("face_turn", pa.int16()),
    ("face_hash", pa.string()),
)
"""``face`` is ``found`` (by the detector), ``given`` (by the data set), ``no_face``, or empty without a search.
The other columns are as in :class:`affectflow.datasets.face.Face`, NaN where unknown; ``face_hash`` is as in
:mod:`affectflow.faces.face_hash`, and empty where no detector looked at the image."""

FACES_SCHEMA = pa.schema([("source", pa.string()), ("sha256", pa.string()), *FACE_FIELDS])
"""``source`` is as in :class:`affectflow.datasets.sample.Sample`; ``sha256`` is empty unless it was downloaded."""

Row = Mapping[str, Any]


def face_cells(outcome: str, face: Face | None = None, face_hash: str = "") -> dict[str, Any]:
    """Return the cells of ``FACE_FIELDS``.

    Args:
        outcome: ``found``, ``given``, ``no_face``, or empty without a search.
        face: The face; None where there is none.
        face_hash: Its hash.
    """
    face = face or Face((float("nan"),) * 4)
    return {
        "face": outcome,
        "face_score": face.score,
        "face_box": face.box,
        "face_points": face.points or (float("nan"),) * 10,
        "face_turn": face.turn,
        "face_hash": face_hash,
    }


def face_of(row: Row) -> Face | None:
    """Return the face that the cells of a row describe; None where there is none."""
    if row["face"] not in (FOUND, GIVEN):
        return None
    points = tuple(row["face_points"])
    return Face(tuple(row["face_box"]), points if points[0] == points[0] else (), row["face_score"], row["face_turn"])


def with_faces(samples: Iterator[Sample], table: Path | None) -> Iterator[Sample]:
    """Add to each sample its face from a table.

    Args:
        samples: Samples in the order of the table's rows. Rows of other samples, such as those of another split, are
            skipped.
        table: The table of faces; None to leave the samples as they are.

    Raises:
        UserError: Where a sample has no row.
    """
    if table is None:
        yield from samples
        return
    rows: Iterator[dict[str, Any]] | None = None
    for sample in samples:
        if isinstance(sample.image, NoImage):
            yield sample
            continue
        if rows is None:
            rows = parquet_rows(table, FACES_SCHEMA, since=("source", sample.source))
        row = next((row for row in rows if row["source"] == sample.source), None)
        if row is None:
            raise UserError(f"{table} has no row for {sample.source} in its place; delete the table and run again.")
        yield replace(sample, face=face_of(row), looked_for=row["face"] != NOT_LOOKED_FOR)
