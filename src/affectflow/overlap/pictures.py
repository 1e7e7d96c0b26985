"""A data set's pictures and frames -> digests by which two sets are compared without opening them again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from affectflow.datasets import get_dataset
from affectflow.datasets.media import Glance
from affectflow.images import difference_hash
from affectflow.parallel import over_processes
from affectflow.progress import progress
from affectflow.tables import write_parquet

PICTURES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("group", pa.string()),
        ("subject", pa.string()),
        ("sha256", pa.string()),
        ("dhash", pa.string()),
    ]
)
"""``sha256`` is of the pixels, whatever file they lie in; ``dhash`` is the perceptual hash, hex of 256 bits."""


def digest_pictures(name: str, root: Path, split: str, processes: int, out: Path) -> int:
    """Write a row for each labelled picture or frame of a data set; returns their number.

    Raises :class:`UserError` as the data set does.
    """
    parts = get_dataset(name, root, split, Glance()).parts()
    look = partial(_digest_part, name=name, root=root, split=split)
    with progress(len(parts), "part", "digest") as bar:

        def rows() -> Iterator[dict[str, Any]]:
            for found in over_processes(look, parts, processes):
                bar.update()
                yield from found

        return write_parquet(out, PICTURES_SCHEMA, rows())


def _digest_part(part: str, name: str, root: Path, split: str) -> list[dict[str, Any]]:
    rows = []
    for sample in get_dataset(name, root, split).samples_of(part):
        pixels = sample.image.rgb()
        rows.append(
            {
                "source": sample.source,
                "group": sample.group,
                "subject": sample.subject,
                "sha256": hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest(),
                "dhash": difference_hash(Image.fromarray(pixels)).hex(),
            }
        )
    return rows
