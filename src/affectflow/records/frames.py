"""Write the labelled frames and images of a benchmark as one TFRecord file, on which all models are scored.

So videos are decoded and faces are aligned once, not once for each model.
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
from affectflow.datasets.base import Dataset
from affectflow.datasets.face_table import with_faces
from affectflow.datasets.media import MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.faces.crop import Framing
from affectflow.records.encoding import ImageEncoding
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import write_record
from affectflow.tables.csv_files import write_csv

LEFT_OUT_COLUMNS = ("part", "reason", "count")
"""``part`` is a part of the set, such as a subject or video; empty where the reason concerns the whole set."""


@dataclass(frozen=True, slots=True)
class Source:
    """A split of a data set, and the table of its faces; None where faces were not searched for."""

    dataset: str
    root: Path
    split: str
    faces: Path | None

    def without_decoding(self) -> Dataset:
        """Open the set so that no image is decoded."""
        return get_dataset(self.dataset, self.root, self.split, MetadataOnly())


def write_frames(
    source: Source, max_gap_s: float, form: ImageEncoding, processes: int, out: Path, index: Path, left_out: Path
) -> int:
    """Write every labelled frame and image in the order of the set, also frames of which the set has no image.

    Args:
        source: What to read.
        max_gap_s: For how long, in seconds, a lost face is assumed at its last position; after that the center of the
            image is cropped.
        form: How images are encoded.
        processes: Number of processes.
        out: The file to write.
        index: The index of its records to write, see :mod:`affectflow.records.index`.
        left_out: Table to write of the reasons for which frames were left out, with counts.

    Returns:
        Number of records.

    Raises:
        UserError: As the data set does.
    """
    dataset = source.without_decoding()
    # Opening a set counts what is left out of the set as a whole.
    reasons = [("", reason, number) for reason, number in sorted(dataset.left_out.items())]
    parts = dataset.parts()
    rows: list[tuple[object, ...]] = []
    offset = 0
    with _folder_beside(out) as folder, atomic_write(out) as joined, joined.open("wb") as stream:
        write = partial(_write_part, source=source, max_gap_s=max_gap_s, form=form, folder=folder)
        with progress(len(parts), "part", "frames") as bar:
            for part, (path, records, skipped) in zip(
                parts, over_processes(write, _numbered(parts), processes), strict=True
            ):
                with path.open("rb") as content:
                    shutil.copyfileobj(content, stream, 1 << 20)
                path.unlink()
                reasons += ((part, reason, number) for reason, number in sorted(skipped.items()))
                for length, source_name, group in records:
                    rows.append((out.name, len(rows), offset, length, source_name, group))
                    offset += length
                bar.update()
    write_csv(index, INDEX_COLUMNS, rows)
    write_csv(left_out, LEFT_OUT_COLUMNS, reasons)
    return len(rows)


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    """Provide a folder for the parts; its name is fixed, so that the next call removes what a killed job left."""
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
) -> tuple[Path, list[tuple[int, str, str]], Counter[str]]:
    """Write a part; return its file, length, source and group of each record, and what was left out."""
    number, part = numbered
    path = folder / str(number)
    dataset = _opened(source)
    dataset.left_out.clear()
    framing = Framing(max_gap_s)
    records = []
    with path.open("wb") as stream:
        for sample in with_faces(dataset.labelled_of(part), source.faces):
            placed, crop = framing.place(sample)
            length = write_record(stream, form.example(placed, crop))
            records.append((length, sample.source, sample.group))
    return path, records, Counter(dataset.left_out)


@lru_cache(1)
def _opened(source: Source) -> Dataset:
    return get_dataset(source.dataset, source.root, source.split)
