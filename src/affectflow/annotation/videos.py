"""Downloaded images -> videos of a fixed number of frames, and the manifest that leads back.

A batch never changes once it exists, because someone may have annotated it: images that come later form further
batches. Which image is which frame is therefore remembered outside the workflow's outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import MANIFEST_COLUMNS
from affectflow.core.atomic import atomic_write
from affectflow.core.cache import file_sha256, fingerprint
from affectflow.core.progress import progress
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.media.video import write_video
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import read_parquet

_ORDER_COLUMNS = ("batch", "file_name", "url", "image_sha256")


@dataclass(frozen=True, slots=True)
class Placed:
    """An image and the batch that it belongs to; its frame is its position there."""

    batch: int
    file_name: str
    url: str
    image_sha256: str


def make_batches(
    ledger: Path,
    images: Path,
    manifest: Path,
    state: Path,
    frames_per_batch: int,
    frame_rate: float,
    size: int,
    code: str,
    processes: int = 1,
) -> int:
    """Write ``batch_001.mp4`` and so on beside ``manifest``; returns the number of batches.

    The manifest has a row for every frame: its batch, frame (from 1), time in seconds, image and URL. Videos that
    exist with the same frames and settings are left alone.
    """
    order = _extend(_remembered(state / "order.csv"), _downloaded(ledger), frames_per_batch)
    _remember(state / "order.csv", order)
    batches = [list(placed) for _, placed in groupby(order, key=lambda placed: placed.batch)]
    rate = Fraction(frame_rate).limit_denominator(1001)
    make = partial(_make_batch, images=images, folder=manifest.parent, state=state, rate=rate, size=size, code=code)
    with progress(len(batches), "video", "batches") as bar:
        if processes == 1:
            for batch in batches:
                make(batch)
                bar.update()
        else:
            with ProcessPoolExecutor(processes) as pool:
                for _ in pool.map(make, batches):
                    bar.update()
    write_csv(
        manifest,
        MANIFEST_COLUMNS,
        (
            (
                p.batch,
                frame,
                video_name(p.batch),
                f"{float((frame - 1) / rate):.4f}",
                p.file_name,
                p.url,
                p.image_sha256,
            )
            for batch in batches
            for frame, p in enumerate(batch, start=1)
        ),
    )
    return len(batches)


def video_name(batch: int) -> str:
    return f"batch_{batch:03d}.mp4"


def _downloaded(ledger: Path) -> Iterator[tuple[str, str, str]]:
    for row in read_parquet(ledger, LEDGER_SCHEMA).to_pylist():
        if row["outcome"] == OK:
            yield row["file_name"], row["url"], row["sha256"]


def _extend(known: Sequence[Placed], images: Iterator[tuple[str, str, str]], frames_per_batch: int) -> list[Placed]:
    """Known images keep their place; new ones, and those whose image changed, fill further batches.

    The same image under several URLs is annotated once.
    """
    order = list(known)
    seen = {placed.image_sha256 for placed in known}
    first_new = known[-1].batch + 1 if known else 1
    added = 0
    for file_name, url, digest in images:
        if digest not in seen:
            seen.add(digest)
            order.append(Placed(first_new + added // frames_per_batch, file_name, url, digest))
            added += 1
    return order


def _remembered(path: Path) -> list[Placed]:
    if not path.exists():
        return []
    return [
        Placed(int(row["batch"]), row["file_name"], row["url"], row["image_sha256"])
        for row in read_csv(path, _ORDER_COLUMNS)
    ]


def _remember(path: Path, order: Sequence[Placed]) -> None:
    write_csv(path, _ORDER_COLUMNS, ((p.batch, p.file_name, p.url, p.image_sha256) for p in order))


def _make_batch(
    batch: Sequence[Placed], images: Path, folder: Path, state: Path, rate: Fraction, size: int, code: str
) -> None:
    video = folder / video_name(batch[0].batch)
    mark = state / f"{video.stem}.mark"
    wanted = fingerprint([str(rate), size, code], ([p.file_name, p.image_sha256] for p in batch))
    if mark.is_file() and video.is_file() and mark.read_text() == f"{wanted} {file_sha256(video)}":
        return
    write_video(video, (_frame(images, p.file_name, p.image_sha256, size) for p in batch), rate)
    with atomic_write(mark) as partial_path:
        partial_path.write_text(f"{wanted} {file_sha256(video)}")


def _frame(images: Path, file_name: str, image_sha256: str, size: int) -> NDArray[np.uint8]:
    """The whole image, centerd on black."""
    from PIL import Image, ImageOps

    pixels = Encoded(read_image(images, file_name, image_sha256), file_name).rgb()
    if pixels.shape[:2] == (size, size):
        return pixels
    return np.asarray(ImageOps.pad(Image.fromarray(pixels), (size, size), Image.Resampling.BILINEAR))
