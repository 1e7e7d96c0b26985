"""Check the records of a folder: each one is read, parsed and decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.message import DecodeError

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.sample import SPLITS
from affectflow.media.images import ImageError, decode_rgb
from affectflow.records.example import decode_example
from affectflow.records.index import INDEX, INDEX_COLUMNS
from affectflow.records.tfrecord import read_records
from affectflow.tables.csv_files import read_csv

_BYTES, _FLOAT, _INT64 = "bytes_list", "float_list", "int64_list"
_FEATURES = {
    "image/encoded": (_BYTES, 1),
    "image/format": (_BYTES, 1),
    "image/height": (_INT64, 1),
    "image/width": (_INT64, 1),
    "image/filename": (_BYTES, 1),
    "image/crop": (_BYTES, 1),
    "label/units": (_INT64, facs.COUNT),
    "label/intensities": (_FLOAT, facs.COUNT),
    "label/valence": (_FLOAT, 1),
    "label/arousal": (_FLOAT, 1),
    "sample/dataset": (_BYTES, 1),
    "sample/subject": (_BYTES, 1),
    "sample/group": (_BYTES, 1),
    "sample/video": (_BYTES, 1),
    "sample/frame": (_INT64, 1),
}
"""Type and number of values of the features that every record has."""


@dataclass(slots=True)
class Checked:
    """Numbers of files and records that were read, and a sentence for each problem."""

    files: int = 0
    records: int = 0
    problems: list[str] = field(default_factory=list)


def check_records(folder: Path) -> Checked:
    """Check every TFRecord file of a folder, and its ``index.csv`` where it has one.

    Checks checksums, features and images, that no group is in files of two splits, and that the index lists exactly the
    records. Raises :class:`UserError` where there is no TFRecord file.
    """
    paths = sorted(folder.glob("*.tfrecord"))
    if not paths:
        raise UserError(f"{folder} has no .tfrecord file; give the folder of the records.")
    checked = Checked(files=len(paths))
    split_of_group: dict[str, str] = {}
    places: set[tuple[str, str, str, str]] = set()
    with progress(None, "record", "check") as bar:
        for path in paths:
            offset = position = 0
            try:
                for position, data in enumerate(read_records(path)):
                    where = f"{path}, record {position} at byte {offset}"
                    places.add((path.name, str(position), str(offset), str(len(data) + 16)))
                    checked.problems += (f"{where}: {reason}" for reason in _problems(path, data, split_of_group))
                    checked.records += 1
                    offset += len(data) + 16
                    bar.update()
            except UserError as error:
                checked.problems.append(str(error))
    if (folder / INDEX).is_file():
        checked.problems += _differences(folder / INDEX, places)
    return checked


def _problems(path: Path, data: bytes, split_of_group: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with a record; ``split_of_group`` collects the split of each group."""
    try:
        feature = decode_example(data).features.feature
    except DecodeError:
        yield "it is not a tf.train.Example"
        return
    for name, (kind, length) in _FEATURES.items():
        found = feature[name].WhichOneof("kind") if name in feature else None
        if found not in (kind, None):
            yield f"{name} has the type {found}, not {kind}"
            return
        count = 0 if found is None else len(getattr(feature[name], kind).value)
        if count != length:
            yield f"{name} has {count} values, not {length}"
            return
    if unknown := set(feature["label/units"].int64_list.value) - {facs.UNKNOWN, facs.ABSENT, facs.PRESENT}:
        yield f"label/units has the value {min(unknown)}, expected 1, 0 or -1"
    size = feature["image/height"].int64_list.value[0], feature["image/width"].int64_list.value[0]
    try:
        shape = decode_rgb(feature["image/encoded"].bytes_list.value[0]).pixels.shape[:2]
        if shape != size:
            yield f"the image has {shape[0]} x {shape[1]} pixels, not {size[0]} x {size[1]}"
    except ImageError as error:
        yield f"the image is broken: {error}"
    split, group = path.name.partition("-")[0], feature["sample/group"].bytes_list.value[0].decode("utf-8", "replace")
    if split in SPLITS and split_of_group.setdefault(group, split) != split:
        yield f"the group {group!r} is also in {split_of_group[group]}"


def _differences(index: Path, places: set[tuple[str, str, str, str]]) -> Iterator[str]:
    """Yield rows of the index without a record, and records without a row."""
    listed = {(row["file"], row["position"], row["offset"], row["bytes"]) for row in read_csv(index, INDEX_COLUMNS)}
    for file, position, offset, _ in sorted(listed - places):
        yield f"{index} names record {position} of {file} at byte {offset}, which does not exist"
    for file, position, offset, _ in sorted(places - listed):
        yield f"{index} does not name record {position} of {file} at byte {offset}"
