"""EmotioNet's ``samples.parquet``: one row for each distinct image, with labels, split and face."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow import facs
from affectflow.datasets.face_table import FACE_FIELDS, NOT_LOOKED_FOR, face_of
from affectflow.datasets.sample import Sample
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.tables.arrow import column
from affectflow.tables.parquet import read_parquet

Row = Mapping[str, Any]
SAMPLES_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("file_name", pa.string()),
        ("sha256", pa.string()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("shard", pa.int32()),
        ("units", pa.list_(pa.int8(), facs.COUNT)),
        ("valence", pa.float32()),
        ("arousal", pa.float32()),
        *FACE_FIELDS,
    ]
)
"""``units``, ``valence`` and ``arousal`` as in :class:`affectflow.datasets.sample.Sample`, the face as in
:mod:`affectflow.datasets.face_table`."""


def samples_of_shard(samples: Path, shard: int) -> list[Row]:
    """Return the rows of one shard, of all splits.

    Args:
        samples: The table.
        shard: Number of the shard, from 0.
    """
    table = _table(samples, samples.stat().st_mtime_ns)
    # Arrow's own filter imports pandas, which would be half of a job's memory.
    wanted = [i for i, of_row in enumerate(table["shard"].to_pylist()) if of_row == shard]
    rows: list[Row] = table.take(column(wanted, pa.int64())).to_pylist()
    return rows


@lru_cache(1)
def _table(samples: Path, changed_ns: int) -> pa.Table:
    """Read the table once in a process that writes several shards; ``changed_ns`` tells versions of it apart."""
    return read_parquet(samples, SAMPLES_SCHEMA)


def sample_of_row(row: Row, images: Path) -> Sample:
    """Return the sample of a row, with its image.

    Raises :class:`UserError` unless the image is the one that was downloaded.

    Args:
        row: A row of the table.
        images: Folder of the image store.
    """
    return Sample(
        image=Encoded(read_image(images, row["file_name"], row["sha256"]), row["file_name"]),
        dataset="emotionet",
        source=row["file_name"],
        group=row["group"],
        units=np.array(row["units"], np.int8),
        valence=row["valence"],
        arousal=row["arousal"],
        face=face_of(row),
        looked_for=row["face"] != NOT_LOOKED_FOR,
    )
