"""What miniatures of data sets are made of, and how they are looked at."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from affectflow import facs
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import Sample
from affectflow.media import file_names as names
from affectflow.media.video import write_video

FRAMES = 6
GREYS = [40 + 30 * i for i in range(8)]


def stored(images: Path, name: str) -> Path:
    """The path of a file in an image store."""
    return images / names.folder(name) / name


def make_video(path: Path, frames: int = FRAMES, first: int = 0, rate: int = 10) -> Path:
    """A video whose frame k (from 1) is all of one grey, brighter with k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    container, codec = {".avi": ("avi", "mpeg4"), ".mp4": ("mp4", "libx264"), ".flv": ("flv", "flv1")}[path.suffix]
    images = (np.full((32, 32, 3), GREYS[first + i], np.uint8) for i in range(frames))
    write_video(path, images, Fraction(rate), container, codec)
    return path


def make_image(path: Path, grey: int) -> Path:
    """An image that is all of the grey of this number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (GREYS[grey],) * 3).save(path)
    return path


def text(path: Path, *lines: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def samples(name: str, root: Path, split: str = "all") -> list[Sample]:
    return list(get_dataset(name, root, split).samples())


def grey(sample: Sample) -> int:
    """The number of the grey that an image shows."""
    mean = float(sample.image.rgb().mean())
    return min(range(len(GREYS)), key=lambda i: abs(GREYS[i] - mean))


def known(sample: Sample) -> dict[int, int]:
    """The labels that are known, by AU."""
    return {i + 1: int(value) for i, value in enumerate(sample.units) if value != facs.UNKNOWN}
