"""EmotioNet as this workflow downloads it: ``samples.parquet`` and the image store in one folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset
from affectflow.datasets.face_table import FACE_FIELDS, NOT_LOOKED_FOR, face_of
from affectflow.datasets.media import Media
from affectflow.datasets.sample import SPLITS, Sample
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
"""A row for each distinct image; ``units`` and affect as in :class:`affectflow.datasets.sample.Sample`, its face as
in :mod:`affectflow.datasets.face_table`."""


class EmotioNet(Dataset):
    """Images with AU occurrence and, where annotated, valence and arousal. Persons are not known."""

    name = "emotionet"

    def __init__(self, root: Path, split: str) -> None:
        super().__init__()
        self._root = root
        self._split = split

    def groups(self) -> list[str]:
        return sorted(set(self._rows("samples.parquet")["group"].to_pylist()))

    def parts(self) -> list[str]:
        return ["samples.parquet"]

    def samples_of(self, part: str) -> Iterator[Sample]:
        for row in self._rows(part).to_pylist():
            yield sample_of_row(row, self._root / "images")

    def _rows(self, part: str) -> pa.Table:
        table = read_parquet(self._root / part, SAMPLES_SCHEMA)
        return table if self._split == "all" else table.filter(pc.equal(table["split"], self._split))


def open_dataset(root: Path, split: str, media: Media) -> EmotioNet:
    """``split`` is ``train``, ``validation``, ``test`` or ``all``. The images are those of the download."""
    if split not in (*SPLITS, "all"):
        raise UserError(f"EmotioNet has no split {split!r}; known are {', '.join(SPLITS)} and all.")
    return EmotioNet(root, split)


def samples_of_shard(samples: Path, shard: int) -> list[Row]:
    """The rows of one shard, of all splits."""
    table = _table(samples, samples.stat().st_mtime_ns)
    # Arrow's own filter imports pandas, which would be half of a job's memory.
    wanted = [i for i, of_row in enumerate(table["shard"].to_pylist()) if of_row == shard]
    rows: list[Row] = table.take(column(wanted, pa.int64())).to_pylist()
    return rows


@lru_cache(1)
def _table(samples: Path, changed_ns: int) -> pa.Table:
    """Read once by a process that writes several shards."""
    return read_parquet(samples, SAMPLES_SCHEMA)


def sample_of_row(row: Row, images: Path) -> Sample:
    """A row of ``samples.parquet`` with its image; raises :class:`UserError` unless the image is the one that
    was downloaded."""
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
