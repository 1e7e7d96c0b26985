"""3,000 images with labels, the same every time: JPEGs of one size, three in a hundred PNGs and three GIFs."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from affectflow import facs
from affectflow.datasets.face_table import NOT_LOOKED_FOR, face_cells
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.media import file_names as names
from affectflow.tables.parquet import write_parquet

COUNT, SIDE = 3000, 256


def draw(count: int = COUNT, side: int = SIDE) -> Iterator[tuple[str, bytes]]:
    """File names and bytes of images with the detail of photographs, some 25 KB each."""
    numbers = np.random.default_rng(0)
    for i in range(count):
        smooth = Image.fromarray(numbers.integers(0, 256, (9, 9, 3), np.uint8)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        noisy = np.asarray(smooth, np.int16) + numbers.normal(0, 7, (side, side, 1)).astype(np.int16)
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        kind = {0: "png", 1: "gif"}.get(i % 33, "jpg")
        buffer = io.BytesIO()
        image.save(buffer, {"jpg": "JPEG", "png": "PNG", "gif": "GIF"}[kind], quality=90)
        yield f"{i:05d}.{kind}", buffer.getvalue()


def labels_of(number: int) -> list[int]:
    return [(number + unit) % 3 - 1 for unit in range(facs.COUNT)]


def lay_out(folder: Path) -> None:
    """The same images as a folder of files (``plain``), and as downloaded (``images`` and ``samples.parquet``)."""
    rows = []
    (folder / "plain").mkdir(parents=True)
    for number, (name, data) in enumerate(draw()):
        (folder / "plain" / name).write_bytes(data)
        url = f"http://images/{name}"
        stored = folder / "images" / names.relative_path(names.file_name(url))
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_bytes(data)
        rows.append(
            {
                **{"url": url, "file_name": stored.name, "sha256": hashlib.sha256(data).hexdigest(), "group": url},
                **{"split": "train", "shard": number % 8, "units": labels_of(number), "valence": 0.0, "arousal": 0.0},
                **face_cells(NOT_LOOKED_FOR),
            }
        )
    write_parquet(folder / "samples.parquet", SAMPLES_SCHEMA, rows)
    write_parquet(folder / "none.parquet", SAMPLES_SCHEMA, [])
    (folder / "none").mkdir()
