"""Samples of one shard -> a TFRecord file for each split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from affectflow.datasets.emotionet import sample_of_row, samples_of_shard
from affectflow.fingerprint import fingerprint, remembered
from affectflow.images import decode_rgb, encode_jpeg, square
from affectflow.records.example import encode_example
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import write_record
from affectflow.sample import ImageFile, Sample
from affectflow.splits import SPLITS
from affectflow.tables import whole, write_csv


def write_shard(
    samples: Path,
    images: Path,
    shard: int,
    files: Mapping[str, Path],
    index: Path,
    store: Path,
    size: int,
    quality: int,
    code: str,
) -> bool:
    """Write the files of one shard (one for each split) and its part of the index; True if nothing had changed.

    A JPEG of the right size passes through byte for byte; anything else is decoded, cropped to its centre square,
    scaled and encoded once. Raises :class:`UserError` when a picture is not the one that was downloaded.
    """
    rows = samples_of_shard(samples, shard)
    mark = fingerprint([size, quality, code], rows)
    outputs = [*(files[split] for split in SPLITS), index]

    def make(paths: Sequence[Path]) -> None:
        by_split = {split: [row for row in rows if row["split"] == split] for split in SPLITS}
        lines: list[tuple[object, ...]] = []
        for split, path in zip(SPLITS, paths, strict=False):
            lines += write_records(path, (sample_of_row(row, images) for row in by_split[split]), size, quality)
        write_csv(paths[-1], INDEX_COLUMNS, lines)

    return remembered(store, mark, outputs, make)


def write_records(path: Path, samples: Iterable[Sample], size: int, quality: int) -> list[tuple[object, ...]]:
    """Write a TFRecord file; returns its lines of the index."""
    lines: list[tuple[object, ...]] = []
    offset = 0
    with whole(path) as partial, partial.open("wb") as stream:
        for position, sample in enumerate(samples):
            jpeg = _jpeg(sample, size, quality)
            length = write_record(stream, encode_example(sample, jpeg, size, size))
            lines.append((path.name, position, offset, length, sample.source, sample.group))
            offset += length
    return lines


def _jpeg(sample: Sample, size: int, quality: int) -> bytes:
    if isinstance(sample.image, ImageFile):
        data = sample.image.path.read_bytes()
        decoded = decode_rgb(data)
        if decoded.plain and decoded.pixels.shape[:2] == (size, size):
            return data
        pixels = decoded.pixels
    else:
        pixels = sample.image.rgb()
    return encode_jpeg(square(pixels, size), quality)
