"""The labelled frames and images of a benchmark -> one TFRecord file, which all models are scored on.

A video is decoded, its faces are aligned once, whatever the number of models.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.parallel import over_processes
from affectflow.core.progress import progress
from affectflow.datasets import get_dataset
from affectflow.datasets.base import Dataset
from affectflow.datasets.face_table import with_faces
from affectflow.datasets.media import MetadataOnly
from affectflow.faces.crop import Framing
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import encode_example
from affectflow.records.tfrecord import write_record
from affectflow.tables.csv_files import write_csv

LEFT_OUT_COLUMNS = ("part", "reason", "count")
"""``part`` is what the set is read by: a subject of DISFA, else a video or a folder of images; empty for the whole."""


@dataclass(frozen=True, slots=True)
class Source:
    """A side of a data set, and the table of its faces, None where none were looked for."""

    dataset: str
    root: Path
    split: str
    faces: Path | None

    def glance(self) -> Dataset:
        """The set, of which no image is decoded."""
        return get_dataset(self.dataset, self.root, self.split, MetadataOnly())


def write_frames(
    source: Source, max_gap_s: float, form: ImageEncoding, processes: int, out: Path, left_out: Path
) -> int:
    """Write every labelled frame and still, in the set's order; returns their number.

    For ``max_gap_s`` seconds a lost face is taken to be where it was; after that it is the center of the image. Raises
    :class:`UserError` as the data set does.
    """
    dataset = source.glance()
    # What is left out of the whole set shows when it is opened.
    reasons = [("", reason, number) for reason, number in sorted(dataset.left_out.items())]
    parts = dataset.parts()
    count = 0
    with _folder_beside(out) as folder, atomic_write(out) as joined, joined.open("wb") as stream:
        do = partial(_write_part, source=source, max_gap_s=max_gap_s, form=form, folder=folder)
        with progress(len(parts), "part", "frames") as bar:
            for part, (path, frames, lost) in zip(parts, over_processes(do, _numbered(parts), processes), strict=True):
                with path.open("rb") as records:
                    shutil.copyfileobj(records, stream, 1 << 20)
                path.unlink()
                reasons += ((part, reason, number) for reason, number in sorted(lost.items()))
                count += frames
                bar.update()
    write_csv(left_out, LEFT_OUT_COLUMNS, reasons)
    return count


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """A folder for the parts, of a fixed name, so that what a kill left is removed."""
    folder = out.with_name(f".{out.name}.parts")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _numbered(parts: Iterable[str]) -> list[tuple[int, str]]:
    return list(enumerate(parts))


def _write_part(
    numbered: tuple[int, str], source: Source, max_gap_s: float, form: ImageEncoding, folder: Path
) -> tuple[Path, int, Counter[str]]:
    number, part = numbered
    path = folder / str(number)
    dataset = _opened(source)
    dataset.left_out.clear()
    framing = Framing(max_gap_s)
    count = 0
    with path.open("wb") as stream:
        for sample in with_faces(dataset.samples_of(part), source.faces):
            placed, crop = framing.place(sample)
            write_record(stream, encode_example(placed, form.jpeg(placed), form.size, form.size, crop))
            count += 1
    return path, count, Counter(dataset.left_out)


@lru_cache(1)
def _opened(source: Source) -> Dataset:
    return get_dataset(source.dataset, source.root, source.split)
