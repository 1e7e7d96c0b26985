"""Annotation videos: downloaded images as videos of a fixed number of frames, and the manifest of their frames.

An annotation video never changes, because someone may have annotated it: images that are downloaded later form further
videos. The order of the images is therefore stored outside the workflow's outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import MANIFEST_COLUMNS, read_annotation_video_table
from affectflow.core.cache import cache_key, make_or_reuse
from affectflow.core.parallel import over_processes
from affectflow.core.progress import progress
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import STORED
from affectflow.media.image_store import read_image
from affectflow.media.pixels import Encoded
from affectflow.media.versions import library_versions
from affectflow.media.video import write_video
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import read_parquet

_ORDER_COLUMNS = ("annotation_video", "file_name", "url", "image_sha256")


@dataclass(frozen=True, slots=True)
class VideoImage:
    """An image and the number of its annotation video; its frame is its position there."""

    annotation_video: int
    file_name: str
    url: str
    image_sha256: str


@dataclass(frozen=True, slots=True)
class _VideoWriter:
    """Writes annotation videos; see :func:`make_annotation_videos`."""

    images: Path
    folder: Path
    state: Path
    rate: Fraction
    size: int
    code: str

    def write(self, images: Sequence[VideoImage]) -> None:
        """Write the video of some images, unless it exists with the same images, settings and code."""
        video = self.folder / video_name(images[0].annotation_video)
        key = cache_key(
            settings={"rate": str(self.rate), "size": self.size},
            code=self.code,
            libraries=library_versions("av"),
            rows=([image.file_name, image.image_sha256] for image in images),
        )
        frames = map(self._frame, images)
        make_or_reuse(self.state / video.stem, key, [video], lambda paths: write_video(paths[0], frames, self.rate))

    def _frame(self, image: VideoImage) -> NDArray[np.uint8]:
        """Return the whole image, scaled and centered on black: uint8 [size, size, 3]."""
        from PIL import Image, ImageOps

        data = read_image(self.images, image.file_name, image.image_sha256)
        pixels = Encoded(data, image.file_name).rgb()
        if pixels.shape[:2] == (self.size, self.size):
            return pixels
        padded = ImageOps.pad(Image.fromarray(pixels), (self.size, self.size), Image.Resampling.BILINEAR)
        return np.asarray(padded)


def make_annotation_videos(
    ledger: Path,
    images: Path,
    manifest: Path,
    state: Path,
    frames_per_video: int,
    frame_rate: float,
    size: int,
    code: str,
    processes: int = 1,
) -> int:
    """Write ``video_001.mp4`` and so on beside the manifest, which has a row for every frame.

    Videos that exist with the same frames, settings and code are not written again.

    Args:
        ledger: Ledger of the download.
        images: Folder of the image store.
        manifest: The table that is written.
        state: Folder that keeps the order of the images from run to run.
        frames_per_video: Number of images in a video; the last may have fewer.
        frame_rate: Frames per second.
        size: Side of the video in pixels.
        code: Digest of the code; videos made with another one are written again.
        processes: Number of processes.

    Returns:
        Number of annotation videos.
    """
    order = _extend(_read_order(state / "order.csv"), _downloaded(ledger), frames_per_video)
    _write_order(state / "order.csv", order)
    videos = [list(group) for _, group in groupby(order, key=lambda image: image.annotation_video)]
    rate = Fraction(frame_rate).limit_denominator(1001)
    writer = _VideoWriter(images=images, folder=manifest.parent, state=state, rate=rate, size=size, code=code)
    with progress(len(videos), "video", "annotation videos") as bar:
        for _ in over_processes(writer.write, videos, processes):
            bar.update()
    write_csv(
        manifest,
        MANIFEST_COLUMNS,
        (
            (
                image.annotation_video,
                frame,
                video_name(image.annotation_video),
                f"{float((frame - 1) / rate):.4f}",
                image.file_name,
                image.url,
                image.image_sha256,
            )
            for video in videos
            for frame, image in enumerate(video, start=1)
        ),
    )
    return len(videos)


def video_name(number: int) -> str:
    """Return the file name of an annotation video."""
    return f"video_{number:03d}.mp4"


def _downloaded(ledger: Path) -> Iterator[tuple[str, str, str]]:
    """Yield file name, URL and SHA-256 of each downloaded image."""
    for row in read_parquet(ledger, LEDGER_SCHEMA).to_pylist():
        if row["outcome"] in STORED:
            yield row["file_name"], row["url"], row["sha256"]


def _extend(
    known: Sequence[VideoImage], images: Iterator[tuple[str, str, str]], frames_per_video: int
) -> list[VideoImage]:
    """Append images that are new or have changed, in further videos; known images keep their place.

    An image under several URLs is annotated once.
    """
    order = list(known)
    seen = {image.image_sha256 for image in known}
    first_new = known[-1].annotation_video + 1 if known else 1
    added = 0
    for file_name, url, digest in images:
        if digest not in seen:
            seen.add(digest)
            order.append(VideoImage(first_new + added // frames_per_video, file_name, url, digest))
            added += 1
    return order


def _read_order(path: Path) -> list[VideoImage]:
    if not path.exists():
        return []
    return [
        VideoImage(int(row["annotation_video"]), row["file_name"], row["url"], row["image_sha256"])
        for row in read_annotation_video_table(path, _ORDER_COLUMNS)
    ]


def _write_order(path: Path, order: Sequence[VideoImage]) -> None:
    rows = ((image.annotation_video, image.file_name, image.url, image.image_sha256) for image in order)
    write_csv(path, _ORDER_COLUMNS, rows)
