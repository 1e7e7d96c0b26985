"""``affectflow records check``: every kind of damage is found and placed."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.datasets.conditions import Conditions
from affectflow.datasets.sample import Sample
from affectflow.media.pixels import Decoded
from affectflow.records.check import check_records
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import decode_example, encode_example
from affectflow.records.index import INDEX_COLUMNS
from affectflow.records.tfrecord import read_records, write_record
from affectflow.records.write import write_records
from affectflow.tables.csv_files import write_csv

SIZE = 24


def samples(split: str, count: int = 3) -> list[Sample]:
    shade = 90 if split == "train" else 130
    return [
        Sample(
            Decoded(np.full((SIZE, SIZE, 3), shade + 5 * i, np.uint8)),
            "own",
            f"{split} {i}",
            group=f"{split} group {i}",
        )
        for i in range(count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines: list[tuple[object, ...]] = []
    for split in ("train", "test"):
        lines += write_records(
            tmp_path / f"{split}-00000-of-00001.tfrecord", samples(split), ImageEncoding(SIZE, 95, "4:4:4")
        )
    write_csv(tmp_path / "index.csv", INDEX_COLUMNS, lines)
    return tmp_path


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    records = change(list(read_records(path)))
    with path.open("wb") as stream:
        for data in records:
            write_record(stream, data)


def test_what_was_written_is_sound(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check-records", str(folder)])
    assert capsys.readouterr().out == "6 records in 2 files, 0 problems\n"


def test_damage_on_disk_is_placed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "test-00000-of-00001.tfrecord"
    data = bytearray(path.read_bytes())
    second = len(data) // 3
    data[second + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(SystemExit) as caught:
        main(["check-records", str(folder)])
    assert caught.value.code == 1
    said = capsys.readouterr().out
    assert f"{path} is damaged in the record at byte {second}" in said
    assert "index.csv names record 1" in said and "4 records in 2 files" in said


def test_a_cut_file_is_found(folder: Path) -> None:
    path = folder / "train-00000-of-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-5])
    assert any(str(path) in problem and "damaged" in problem for problem in check_records(folder).problems)


def jpeg(pixels: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (pixels, pixels)).save(buffer, "JPEG")
    return buffer.getvalue()


def altered(data: bytes, **values: object) -> bytes:
    example = decode_example(data)
    feature = example.features.feature
    for name, value in values.items():
        if name == "jpeg":
            feature["image/encoded"].bytes_list.value[0] = value
        elif name == "unit":
            feature["label/units"].int64_list.value[11] = value
        elif name in ("label/valence", "label/intensities"):
            feature[name].float_list.value[0] = value
        elif name in ("image/crop", "image/format"):
            feature[name].bytes_list.value[0] = value
        elif name == "sample/frame":
            feature[name].int64_list.value[0] = value
        elif name == "float_height":
            feature["image/height"].float_list.value[:] = [value]
        elif name == "bytes_units":
            feature["label/units"].bytes_list.value[:] = [value] * 60
        else:
            del feature["label/units"].int64_list.value[:]
    changed: bytes = example.SerializeToString(deterministic=True)
    return changed


@pytest.mark.parametrize(
    "change, named",
    [
        (lambda data: b"\xff" + data, "not a tf.train.Example"),
        (lambda data: altered(data, unit=7), "the value 7"),
        (lambda data: altered(data, **{"label/valence": 1.5}), "label/valence has the value 1.5, expected -1 to 1"),
        (lambda data: altered(data, **{"label/intensities": -1.0}), "label/intensities has the value -1"),
        (lambda data: altered(data, **{"label/intensities": float("inf")}), "label/intensities has the value inf"),
        (lambda data: altered(data, **{"image/crop": b"mouth"}), "image/crop is 'mouth', expected face, held, center"),
        (lambda data: altered(data, **{"image/format": b"png"}), "image/format is 'png'"),
        (lambda data: altered(data, **{"sample/frame": -3}), "sample/frame is -3"),
        (lambda data: altered(data, none=True), "label/units has 0 values, not 60"),
        (lambda data: altered(data, float_height=24.0), "image/height has the type float_list, not int64_list"),
        (lambda data: altered(data, bytes_units=b"1"), "label/units has the type bytes_list, not int64_list"),
        (lambda data: altered(data, jpeg=jpeg(8)), "8 x 8 pixels, not 24 x 24"),
        (lambda data: altered(data, jpeg=jpeg(SIZE)[:300]), "the image is broken"),
    ],
)
def test_records_that_are_none_are_found(folder: Path, change: Callable[[bytes], bytes], named: str) -> None:
    (folder / "index.csv").unlink()
    path = folder / "train-00000-of-00001.tfrecord"
    rewrite(path, lambda records: [records[0], change(records[1]), records[2]])
    (problem,) = check_records(folder).problems
    assert problem.startswith(f"{path}, record 1 at byte ") and named in problem


def test_a_group_on_two_sides_is_found(folder: Path) -> None:
    stranger = samples("train")[0]
    data = encode_example(stranger, jpeg(SIZE), SIZE, Conditions())
    rewrite(folder / "test-00000-of-00001.tfrecord", lambda records: [*records, data])
    problems = check_records(folder).problems
    assert any("'train group 0'" in problem for problem in problems)
    assert any("does not name record 3" in problem for problem in problems)


def encoded(name: str, shade: int, **fields: object) -> bytes:
    pixels = np.full((SIZE, SIZE, 3), shade, np.uint8)
    sample = Sample(Decoded(pixels), "own", name, group=f"group of {name}", **fields)  # type: ignore[arg-type]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return encode_example(sample, buffer.getvalue(), SIZE, Conditions())


def without_index(folder: Path, split: str, *more: bytes) -> list[str]:
    (folder / "index.csv").unlink(missing_ok=True)
    rewrite(folder / f"{split}-00000-of-00001.tfrecord", lambda records: [*records, *more])
    return check_records(folder).problems


def test_a_sample_and_an_image_that_are_there_twice(folder: Path) -> None:
    (problem,) = without_index(folder, "train", encoded("new", 10), encoded("new", 12))
    assert "'new' is there twice; first in" in problem
    (_, problem) = without_index(folder, "train", encoded("other", 10))
    assert "the same image is in the group 'group of new'" in problem and "record 3" in problem


def test_frames_of_a_video_may_be_equal(folder: Path) -> None:
    frames = [encoded(f"{video} 1", 10, video=video, frame=1) for video in "vw"]
    assert without_index(folder, "train", *frames) == []


def test_an_image_on_two_sides_is_found(folder: Path) -> None:
    without_index(folder, "train", encoded("one", 10))
    (problem,) = without_index(folder, "test", encoded("two", 10))
    assert "the same image is in the group 'group of two'" in problem and "train-00000" in problem


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "index.csv").unlink()
    (folder / "train-00000-of-00001.tfrecord").rename(folder / "train-00001-of-00003.tfrecord")
    assert check_records(folder).problems == [
        f"{folder}/train-0000{number}-of-00003.tfrecord is missing" for number in (0, 2)
    ]


def test_an_index_of_other_samples(folder: Path) -> None:
    index = folder / "index.csv"
    index.write_text(index.read_text().replace("test 1,", "test 2,", 1))
    (problem,) = check_records(folder).problems
    assert "says that record 1" in problem and "('test 1', 'test group 1')" in problem


def test_a_folder_without_records_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no \.tfrecord"):
        check_records(tmp_path)
