"""Are the records of a folder what they should be? Every one is read, parsed and decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.sample import SPLITS
from affectflow.media.images import ImageError, decode_rgb
from affectflow.records.example import decode_example
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import read_records
from affectflow.tables.csv_files import read_csv

_INDEX = "index.csv"
_LENGTHS = {
    "image/encoded": 1,
    "image/format": 1,
    "image/height": 1,
    "image/width": 1,
    "image/filename": 1,
    "image/crop": 1,
    "label/units": facs.COUNT,
    "label/intensities": facs.COUNT,
    "label/valence": 1,
    "label/arousal": 1,
    "sample/dataset": 1,
    "sample/subject": 1,
    "sample/group": 1,
    "sample/video": 1,
    "sample/frame": 1,
}


@dataclass(slots=True)
class Checked:
    """What was looked at, and a sentence for each thing that is wrong."""

    files: int = 0
    records: int = 0
    problems: list[str] = field(default_factory=list)


def check_records(folder: Path) -> Checked:
    """Check every TFRecord file of a folder, and its ``index.csv`` where it has one.

    Checksums, features and images are checked, that no group lies in files of two splits, and that the index names
    just the records that are there. Raises :class:`UserError` where there is no record file.
    """
    paths = sorted(folder.glob("*.tfrecord"))
    if not paths:
        raise UserError(f"{folder} holds no .tfrecord file; give the folder of the records.")
    checked = Checked(files=len(paths))
    sides: dict[str, str] = {}
    places: set[tuple[str, str, str, str]] = set()
    with progress(None, "record", "check") as bar:
        for path in paths:
            offset = position = 0
            try:
                for position, data in enumerate(read_records(path)):
                    where = f"{path}, record {position} at byte {offset}"
                    places.add((path.name, str(position), str(offset), str(len(data) + 16)))
                    checked.problems += (f"{where}: {reason}" for reason in _reasons(path, data, sides))
                    checked.records += 1
                    offset += len(data) + 16
                    bar.update()
            except UserError as error:
                checked.problems.append(str(error))
    if (folder / _INDEX).is_file():
        checked.problems += _differences(folder / _INDEX, places)
    return checked


def _reasons(path: Path, data: bytes, sides: dict[str, str]) -> Iterator[str]:
    """What is wrong with a record; ``sides`` remembers the split of each group."""
    try:
        feature = decode_example(data).features.feature
    except DecodeError:
        yield "it is no tf.train.Example"
        return
    lengths = {name: _length(feature[name]) if name in feature else 0 for name in _LENGTHS}
    if wrong := [name for name, length in _LENGTHS.items() if lengths[name] != length]:
        yield f"{wrong[0]} has {lengths[wrong[0]]} values, not {_LENGTHS[wrong[0]]}"
        return
    if strange := set(feature["label/units"].int64_list.value) - {facs.UNKNOWN, facs.ABSENT, facs.PRESENT}:
        yield f"label/units has the value {min(strange)}, which is none of 1, 0, -1"
    size = feature["image/height"].int64_list.value[0], feature["image/width"].int64_list.value[0]
    try:
        shape = decode_rgb(feature["image/encoded"].bytes_list.value[0]).pixels.shape[:2]
        if shape != size:
            yield f"the image has {shape[0]} x {shape[1]} pixels, not {size[0]} x {size[1]}"
    except ImageError as error:
        yield f"the image is broken: {error}"
    split, group = path.name.partition("-")[0], feature["sample/group"].bytes_list.value[0].decode("utf-8", "replace")
    if split in SPLITS and sides.setdefault(group, split) != split:
        yield f"the group {group!r} lies in {sides[group]} too"


def _length(feature: Any) -> int:
    kind = feature.WhichOneof("kind")
    return len(getattr(feature, kind).value) if kind else 0


def _differences(index: Path, places: set[tuple[str, str, str, str]]) -> Iterator[str]:
    """Lines of the index without a record, and records without a line."""
    listed = {(row["file"], row["position"], row["offset"], row["bytes"]) for row in read_csv(index, INDEX_COLUMNS)}
    for file, position, offset, _ in sorted(listed - places):
        yield f"{index} names record {position} of {file} at byte {offset}, which is not there"
    for file, position, offset, _ in sorted(places - listed):
        yield f"{index} does not name record {position} of {file} at byte {offset}"
