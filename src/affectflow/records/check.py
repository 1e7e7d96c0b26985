"""Check the records of a folder: each one is read, parsed and decoded."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.datasets.face import CENTER, FACE, HELD, MISSING
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
_RANGES = {"label/intensities": (0.0, 5.0), "label/valence": (-1.0, 1.0), "label/arousal": (-1.0, 1.0)}
_TEXTS = {"image/format": (b"jpeg",), "image/crop": tuple(name.encode() for name in (FACE, HELD, CENTER, MISSING))}
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.tfrecord")
_PLACE_COLUMNS = ("file", "position", "offset", "bytes")


@dataclass(slots=True)
class Checked:
    """Numbers of files and records that were read, and a sentence for each problem."""

    files: int = 0
    records: int = 0
    problems: list[str] = field(default_factory=list)


def check_records(folder: Path) -> Checked:
    """Check every TFRecord file of a folder, and its ``index.csv`` where it has one.

    Checks checksums, features, values and images; that no file of a split is missing; that no sample is there twice, no
    image in two groups, and no group in two splits; and that the index lists exactly the records.
    Raises :class:`UserError` where there is no TFRecord file.
    """
    paths = sorted(folder.glob("*.tfrecord"))
    if not paths:
        raise UserError(f"{folder} has no .tfrecord file; give the folder of the records.")
    checked = Checked(files=len(paths), problems=list(_missing_files(folder, paths)))
    seen = _Seen()
    places: dict[tuple[str, ...], tuple[str, ...]] = {}
    with progress(None, "record", "check") as bar:
        for path in paths:
            offset = position = 0
            try:
                for position, data in enumerate(read_records(path)):
                    where = f"{path}, record {position} at byte {offset}"
                    feature = _features(data)
                    problems = list(_problems(feature))
                    if not problems:
                        problems += seen.add(path, where, feature)
                    checked.problems += (f"{where}: {reason}" for reason in problems)
                    place = path.name, str(position), str(offset), str(len(data) + 16)
                    names = ("image/filename", "sample/group")
                    places[place] = ("", "") if problems else tuple(_text(feature, name) for name in names)
                    checked.records += 1
                    offset += len(data) + 16
                    bar.update()
            except UserError as error:
                checked.problems.append(str(error))
            except OSError as error:
                checked.problems.append(f"{path} cannot be read ({error.strerror}); write it again.")
    if (folder / INDEX).is_file():
        checked.problems += _differences(folder / INDEX, places)
    return checked


class _Seen:
    """The samples, images and groups of the records so far, and where they are."""

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str], str] = {}
        self._images: dict[bytes, tuple[str, str]] = {}
        self._groups: dict[str, str] = {}

    def add(self, path: Path, where: str, feature: Any) -> Iterator[str]:
        """Yield what is wrong with a record beside the others."""
        sample = _text(feature, "sample/dataset"), _text(feature, "image/filename")
        if (first := self._samples.setdefault(sample, where)) != where:
            yield f"{sample[1]!r} is there twice; first in {first}"
        split = path.name.partition("-")[0]
        if split not in SPLITS:
            return
        group = _text(feature, "sample/group")
        if (other := self._groups.setdefault(group, split)) != split:
            yield f"the group {group!r} is also in {other}"
        if _text(feature, "sample/video"):
            return  # the frames of videos may be equal: black ones, titles
        digest = hashlib.sha256(feature["image/encoded"].bytes_list.value[0]).digest()[:16]
        other, first = self._images.setdefault(digest, (group, where))
        if other != group:
            yield f"the same image is in the group {other!r}: {first}"


def _missing_files(folder: Path, paths: Sequence[Path]) -> Iterator[str]:
    sets: dict[tuple[str, str], set[int]] = {}
    for match in filter(None, (_SHARD.fullmatch(path.name) for path in paths)):
        sets.setdefault((match[1], match[3]), set()).add(int(match[2]))
    for (name, count), numbers in sets.items():
        for number in sorted(set(range(int(count))) - numbers):
            yield f"{folder / f'{name}-{number:05d}-of-{count}.tfrecord'} is missing"


def _features(data: bytes) -> Any:
    """Return the features of a record by name, None where it has none."""
    try:
        return decode_example(data).features.feature
    except DecodeError:
        return None


def _text(feature: Any, name: str) -> str:
    return str(feature[name].bytes_list.value[0].decode("utf-8", "replace"))


def _problems(feature: Any) -> Iterator[str]:
    """Yield what is wrong with a record by itself."""
    if feature is None:
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
    for name, (least, most) in _RANGES.items():
        for value in feature[name].float_list.value:
            if not (math.isnan(value) or least <= value <= most):
                yield f"{name} has the value {value:g}, expected {least:g} to {most:g}"
                break
    for name, known in _TEXTS.items():
        if (text := feature[name].bytes_list.value[0]) not in known:
            yield f"{name} is {text.decode('utf-8', 'replace')[:40]!r}, expected {b', '.join(known).decode()}"
    if (frame := feature["sample/frame"].int64_list.value[0]) < 0:
        yield f"sample/frame is {frame}, expected 1 or more, or 0 without a video"
    size = feature["image/height"].int64_list.value[0], feature["image/width"].int64_list.value[0]
    try:
        shape = decode_rgb(feature["image/encoded"].bytes_list.value[0]).pixels.shape[:2]
        if shape != size:
            yield f"the image has {shape[0]} x {shape[1]} pixels, not {size[0]} x {size[1]}"
    except ImageError as error:
        yield f"the image is broken: {error}"


def _differences(index: Path, places: dict[tuple[str, ...], tuple[str, ...]]) -> Iterator[str]:
    """Yield rows of the index without a record or of another sample, and records without a row."""
    listed = {
        tuple(row[column] for column in _PLACE_COLUMNS): (row["source"], row["group"])
        for row in read_csv(index, INDEX_COLUMNS)
    }
    for file, position, offset, _ in sorted(listed.keys() - places.keys()):
        yield f"{index} names record {position} of {file} at byte {offset}, which does not exist"
    for file, position, offset, _ in sorted(places.keys() - listed.keys()):
        yield f"{index} does not name record {position} of {file} at byte {offset}"
    for place in sorted(listed.keys() & places.keys()):
        if places[place] not in (("", ""), listed[place]):
            yield f"{index} says that record {place[1]} of {place[0]} is {listed[place]}, and it is {places[place]}"
