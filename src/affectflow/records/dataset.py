"""Write the videos or images of a data set as TFRecords for training, split by person or video."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.base import Dataset
from affectflow.datasets.face import CENTER_CROP
from affectflow.datasets.face_table import NO_FACE, with_faces
from affectflow.datasets.sample import Sample
from affectflow.records.encoding import ImageEncoding
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import write_record
from affectflow.tables.csv_files import write_csv

_LEAST_FOR_VALIDATION = 4  # groups
_BETWEEN = "frame between those that records.frame_stride takes"


def write_dataset_records(
    dataset: Dataset,
    train: Sequence[Path],
    validation: Sequence[Path],
    index: Path,
    left_out: Path,
    form: ImageEncoding,
    faces: Path | None,
    on_missing_face: str | None,
    validation_fraction: float,
    frame_stride: int = 1,
) -> None:
    """Write every labelled image to a shard of its split; all images of a group are in one split.

    Args:
        dataset: The opened data set.
        train: The files of the training split.
        validation: The files of the validation split.
        index: The index to write, see :mod:`affectflow.records.index`.
        left_out: Table to write of the reasons for which images were left out, with counts.
        form: How images are encoded.
        faces: Table of the set's faces; None where faces were not searched for.
        on_missing_face: ``center_crop`` to crop the center of images without a face; otherwise they are left out.
        validation_fraction: Share of the groups that goes to validation, by a hash (:func:`validation_groups`).
        frame_stride: n, where of a video's frames the first is taken and every nth after it.

    Raises:
        UserError: Where there is only one group, or a split has no image.
    """
    groups = dataset.groups()
    if len(groups) < 2:
        raise UserError(f"{dataset.name} has {len(groups)} person or video; add another one, for validation.")
    ranked = sorted(groups, key=lambda group: hashlib.sha256(f"split {group}".encode()).digest())
    held_out = set(ranked[: validation_groups(len(ranked), validation_fraction)])
    counts: Counter[Path] = Counter()
    offsets: Counter[Path] = Counter()
    lines: list[tuple[object, ...]] = []
    with ExitStack() as stack:
        streams = {
            path: stack.enter_context(stack.enter_context(atomic_write(path)).open("wb"))
            for path in (*train, *validation)
        }
        with progress(None, "image", "records") as bar:
            taken = _every(frame_stride, with_faces(dataset.samples(), faces), dataset.left_out)
            kept = _with_face(taken, on_missing_face, dataset.left_out)
            for number, sample in enumerate(kept):
                side = validation if sample.group in held_out else train
                path = side[number % len(side)]
                length = write_record(streams[path], form.example(sample))
                lines.append((path.name, counts[path], offsets[path], length, sample.source, sample.group))
                counts[path] += 1
                offsets[path] += length
                bar.update()
        for purpose, files in (("training", train), ("validation", validation)):
            if not any(counts[path] for path in files):
                left = "; ".join(f"{count} x {reason}" for reason, count in sorted(dataset.left_out.items()))
                raise UserError(f"{dataset.name} gives no image for {purpose} ({left or 'too few groups'}); add some.")
    write_csv(index, INDEX_COLUMNS, lines)
    write_csv(left_out, ("reason", "count"), sorted(dataset.left_out.items()))


def _every(stride: int, samples: Iterator[Sample], left_out: Counter[str]) -> Iterator[Sample]:
    for sample in samples:
        if sample.frame and (sample.frame - 1) % stride:
            left_out[_BETWEEN] += 1
        else:
            yield sample


def _with_face(samples: Iterator[Sample], on_missing_face: str | None, left_out: Counter[str]) -> Iterator[Sample]:
    for sample in samples:
        if sample.looked_for and sample.face is None and on_missing_face != CENTER_CROP:
            left_out[NO_FACE] += 1
        else:
            yield sample


def validation_groups(count: int, fraction: float) -> int:
    """Return how many of the groups of a training side go to validation.

    Thresholds and calibration of one person do not hold for others, so they are at least four, or a third of fewer than
    twelve, and never none.

    Args:
        count: Number of groups.
        fraction: Share of the groups that is asked for.
    """
    return max(1, min(_LEAST_FOR_VALIDATION, count // 3), round(fraction * count))
