"""Write the samples of one shard as one TFRecord file for each split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.cache import cache_key, make_or_reuse
from affectflow.datasets.sample import SPLITS, Sample
from affectflow.datasets.samples_table import sample_of_row, samples_of_shard
from affectflow.media.versions import library_versions
from affectflow.records.encoding import ImageEncoding
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
    """Write the files of one shard and its part of the index.

    Args:
        samples: EmotioNet's ``samples.parquet``.
        images: Store of the images.
        shard: Number of the shard.
        files: The file to write for each split.
        index: The part of the index to write.
        store: Folder in which the files are kept for later calls with the same rows, encoding, code and libraries.
        form: How images are encoded.
        code: Digest of the code that writes records.

    Returns:
        Whether nothing had changed, so that the kept files were used.

    Raises:
        UserError: For an image that differs from the download.
    """
    rows = samples_of_shard(samples, shard)
    key = cache_key(settings=asdict(form), code=code, libraries=library_versions(), rows=rows)
    outputs = [*(files[split] for split in SPLITS), index]

    def make(paths: Sequence[Path]) -> None:
        by_split = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
        lines: list[tuple[object, ...]] = []
        for split, path in zip(SPLITS, paths, strict=False):
            lines += write_records(path, (sample_of_row(row, images) for row in by_split[split]), form)
        write_csv(paths[-1], INDEX_COLUMNS, lines)

    return make_or_reuse(store, key, outputs, make)


def write_records(path: Path, samples: Iterable[Sample], form: ImageEncoding) -> list[tuple[object, ...]]:
    """Write a TFRecord file; returns its rows of the index, see :mod:`affectflow.records.index`.

    Args:
        path: The file.
        samples: The samples, in the order of their records.
        form: How images are encoded.
    """
    lines: list[tuple[object, ...]] = []
    offset = 0
    with atomic_write(path) as partial, partial.open("wb") as stream:
        for position, sample in enumerate(samples):
            length = write_record(stream, form.example(sample))
            lines.append((path.name, position, offset, length, sample.source, sample.group))
            offset += length
    return lines
