"""Films or stills of a data set -> TFRecords for training, split by person or video."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from affectflow.datasets.base import Dataset
from affectflow.errors import UserError
from affectflow.images import encode_jpeg, square
from affectflow.progress import progress
from affectflow.records.example import encode_example
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import write_record
from affectflow.tables import whole, write_csv


def write_dataset_records(
    dataset: Dataset,
    train: Sequence[Path],
    validation: Sequence[Path],
    index: Path,
    left_out: Path,
    size: int,
    quality: int,
    validation_fraction: float,
) -> None:
    """Write every labelled picture to a shard of its side; all pictures of a group share a side.

    The groups of the smallest hashes, at least one, go to validation. Raises :class:`UserError` when there is only one.
    """
    groups = dataset.groups()
    if len(groups) < 2:
        raise UserError(f"{dataset.name} has {len(groups)} person or video; training needs one more for validation.")
    ranked = sorted(groups, key=lambda group: hashlib.sha256(f"split {group}".encode()).digest())
    held_out = set(ranked[: max(1, round(validation_fraction * len(ranked)))])
    counts: Counter[Path] = Counter()
    offsets: Counter[Path] = Counter()
    lines: list[tuple[object, ...]] = []
    with ExitStack() as stack:
        streams = {
            path: stack.enter_context(stack.enter_context(whole(path)).open("wb")) for path in (*train, *validation)
        }
        with progress(None, "picture", "records") as bar:
            for number, sample in enumerate(dataset.samples()):
                side = validation if sample.group in held_out else train
                path = side[number % len(side)]
                jpeg = encode_jpeg(square(sample.image.rgb(), size), quality)
                length = write_record(streams[path], encode_example(sample, jpeg, size, size))
                lines.append((path.name, counts[path], offsets[path], length, sample.source, sample.group))
                counts[path] += 1
                offsets[path] += length
                bar.update()
        for purpose, files in (("training", train), ("validation", validation)):
            if not any(counts[path] for path in files):
                left = "; ".join(f"{count} x {reason}" for reason, count in sorted(dataset.left_out.items()))
                raise UserError(
                    f"{dataset.name} gives no picture for {purpose} ({left or 'too few groups'}); add some."
                )
    write_csv(index, INDEX_COLUMNS, lines)
    write_csv(left_out, ("reason", "count"), sorted(dataset.left_out.items()))
