"""Samples of one shard -> a TFRecord file for each split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import fingerprint, remembered
from affectflow.datasets.sample import SPLITS, Sample
from affectflow.datasets.samples_table import sample_of_row, samples_of_shard
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import encode_example
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import write_record
from affectflow.tables.csv_files import write_csv


def write_shard(
    samples: Path,
    images: Path,
    shard: int,
    files: Mapping[str, Path],
    index: Path,
    store: Path,
    form: ImageEncoding,
    code: str,
) -> bool:
    """Write the files of one shard (one for each split) and its part of the index; True if nothing had changed.

    Raises :class:`UserError` when an image is not the one that was downloaded.
    """
    rows = samples_of_shard(samples, shard)
    mark = fingerprint([asdict(form), code], rows)
    outputs = [*(files[split] for split in SPLITS), index]

    def make(paths: Sequence[Path]) -> None:
        by_split = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
        lines: list[tuple[object, ...]] = []
        for split, path in zip(SPLITS, paths, strict=False):
            lines += write_records(path, (sample_of_row(row, images) for row in by_split[split]), form)
        write_csv(paths[-1], INDEX_COLUMNS, lines)

    return remembered(store, mark, outputs, make)


def write_records(path: Path, samples: Iterable[Sample], form: ImageEncoding) -> list[tuple[object, ...]]:
    """Write a TFRecord file; returns its lines of the index."""
    lines: list[tuple[object, ...]] = []
    offset = 0
    with atomic_write(path) as partial, partial.open("wb") as stream:
        for position, sample in enumerate(samples):
            length = write_record(stream, encode_example(sample, form.jpeg(sample), form.size, form.size))
            lines.append((path.name, position, offset, length, sample.source, sample.group))
            offset += length
    return lines
