"""A benchmark's frames are kept once, cropped as training saw them, and models run over what was kept."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

keras = pytest.importorskip("keras")

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, GIVEN, NO_FACE, face_cells
from affectflow.datasets.sample import Sample
from affectflow.media import jpeg
from affectflow.media.pixels import Decoded, NoImage
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.records import predict_records
from affectflow.records import frames as frames_module
from affectflow.records.encoding import ImageEncoding
from affectflow.records.example import decode_example
from affectflow.records.frames import Source, write_frames
from affectflow.records.tfrecord import read_records
from affectflow.tables.parquet import write_parquet
from tests.model_json import model_json, values

SIZE = 24
FORM = ImageEncoding(SIZE, 95, "4:4:4")
FACE = Face((20.0, 4.0, 20.0, 24.0))
LOST = (3, 4, 5, 6)
CROPS = ["face", "face", "held", "held", "center", "center", "face"]
CARD: dict[str, Any] = {
    "units": [],
    "intensity_units": [4, 12],
    "heads": ["valence_arousal", "intensities"],
    "image_size": SIZE,
    "crops": {"face": 3, "center": 1},
}


class Videos(Dataset):
    """Of two people, seven frames each, ten a second, each frame another noise; one of each has no labels."""

    name = "videos"

    def groups(self) -> list[str]:
        return ["P1", "P2"]

    def parts(self) -> list[str]:
        return self.groups()

    def samples_of(self, part: str) -> Iterator[Sample]:
        self.left_out["frame without labels"] += 1
        for frame in range(1, 8):
            pixels = np.random.default_rng([frame, int(part[1])]).integers(0, 256, (40, 60, 3), dtype=np.uint8)
            yield Sample(
                Decoded(pixels),
                "videos",
                f"{part}/{frame}",
                part,
                subject=part,
                video=f"{part}.avi",
                frame=frame,
                time=frame / 10,
                valence=frame / 10,
                other={"Smile": frame % 2, "Smile percent": 40 + frame},
            )


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The frames' records, and beside them what was left out."""
    monkeypatch.setattr(frames_module, "get_dataset", lambda *_: Videos())
    frames_module._opened.cache_clear()
    rows = [
        {
            "source": f"{part}/{frame}",
            "sha256": "",
            **(face_cells(NO_FACE) if frame in LOST else face_cells(GIVEN, FACE)),
        }
        for part in ("P1", "P2")
        for frame in range(1, 8)
    ]
    write_parquet(tmp_path / "faces", FACES_SCHEMA, rows)
    source = Source("videos", tmp_path, "all", tmp_path / "faces")
    out = tmp_path / "videos.tfrecord"
    assert (
        write_frames(source, 0.2, FORM, 1, out, out.with_name("videos_index.csv"), tmp_path / "videos_left_out.csv")
        == 14
    )
    return out


class Shown:
    """A model that remembers what it was shown, batch by batch."""

    def __init__(self) -> None:
        self.batches: list[NDArray[np.uint8]] = []

    def predict_on_batch(self, pixels: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        self.batches.append(pixels.copy())
        zeros = np.zeros((len(pixels), 2), np.float32)
        mean = pixels.mean(axis=(1, 2, 3), dtype=np.float64)[:, None].astype(np.float32)
        return {"valence_arousal": zeros + mean, "intensities": zeros + np.array([1.5, 2.5], np.float32)}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    model = Shown()
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: model)
    return model


def model_in(folder: Path, card: Mapping[str, Any], batch_size: int = 3) -> TrainedModel:
    folder.mkdir(exist_ok=True)
    (folder / "model.keras").touch()
    model_json(folder / "model.json", **card)
    return TrainedModel(folder / "model.keras", folder / "model.json", batch_size)


def test_frames_are_cropped_around_the_face_or_where_it_was(kept: Path) -> None:
    features = [decode_example(data).features.feature for data in read_records(kept)]
    assert [feature["image/crop"].bytes_list.value[0].decode() for feature in features] == CROPS * 2
    samples = list(Videos().samples())
    for sample, feature, crop in zip(samples, features, CROPS * 2, strict=True):
        placed = Sample(sample.image, "videos", "", "", face=None if crop == "center" else FACE)
        alone = decode_example(FORM.example(placed)).features.feature
        assert feature["image/encoded"] == alone["image/encoded"]
    assert not list(kept.parent.glob(".*"))


def test_frames_without_an_image_have_labels_and_no_prediction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    class Sparse(Videos):
        def labelled_of(self, part: str) -> Iterator[Sample]:
            for sample in self.samples_of(part):
                yield replace(sample, image=NoImage()) if sample.frame in (2, 7) else sample

    monkeypatch.setattr(frames_module, "get_dataset", lambda *_: Sparse())
    frames_module._opened.cache_clear()
    faces = [
        {"source": f"{part}/{frame}", "sha256": "", **face_cells(GIVEN, FACE)}
        for part in ("P1", "P2")
        for frame in (1, 3, 4, 5, 6)  # nothing was searched for where there is no image
    ]
    write_parquet(tmp_path / "faces", FACES_SCHEMA, faces)
    out = tmp_path / "videos.tfrecord"
    others = out.with_name("videos_index.csv"), tmp_path / "videos_left_out.csv"
    assert write_frames(Source("videos", tmp_path, "all", tmp_path / "faces"), 0.2, FORM, 1, out, *others) == 14
    predict_records(model_in(tmp_path, CARD), [out], [], None, tmp_path / "p.parquet", tmp_path / "left_out.csv")
    rows = pq.read_table(tmp_path / "p.parquet").to_pylist()
    assert [row["frame"] for row in rows] == [*range(1, 8)] * 2
    assert [row["crop"] for row in rows] == ["face", "missing", "face", "face", "face", "face", "missing"] * 2
    for row in rows:
        seen = row["crop"] == "face"
        assert row["valence"] == pytest.approx(row["frame"] / 10)
        assert np.isnan(row["predicted_valence"]) != seen and np.isnan(row["predicted_intensities"][3]) != seen
        assert np.isnan(row["brightness"]) != seen


def test_every_label_of_a_frame_arrives_beside_the_outputs(tmp_path: Path, kept: Path, shown: Shown) -> None:
    lost = kept.with_name("videos_left_out.csv")
    out, left_out = tmp_path / "p.parquet", tmp_path / "left_out.csv"
    assert predict_records(model_in(tmp_path, CARD), [kept], [lost], None, out, left_out) == 14
    rows = pq.read_table(out).to_pylist()
    for row, sample, crop in zip(rows, Videos().samples(), CROPS * 2, strict=True):
        names = ("source", "group", "subject", "video", "frame", "time")
        assert [row[name] for name in names] == [getattr(sample, name) for name in names]
        assert row["valence"] == np.float32(sample.valence) and math.isnan(row["arousal"])
        assert dict(row["other"]) == sample.other and row["units"] == [-1] * 60 and row["crop"] == crop
        assert row["predicted_intensities"][3] == 1.5 and row["predicted_intensities"][11] == 2.5
        assert math.isnan(row["predicted_intensities"][0]) and all(math.isnan(p) for p in row["probabilities"])
    assert {len(batch) for batch in shown.batches} == {3}
    stored = [decode_example(data).features.feature["image/encoded"].bytes_list.value[0] for data in read_records(kept)]
    assert np.array_equal(np.concatenate(shown.batches)[:14], np.stack([jpeg.decode(data) for data in stored]))
    means = [jpeg.decode(data).mean(dtype=np.float64) for data in stored]
    assert [row["predicted_valence"] for row in rows] == pytest.approx(means, abs=1e-3)
    assert left_out.read_text() == "reason,count\nframe without labels,2\n"


@pytest.mark.usefixtures("shown")
def test_a_fold_is_predicted_on_its_own_people(tmp_path: Path, kept: Path) -> None:
    lost = kept.with_name("videos_left_out.csv")
    out, left_out = tmp_path / "p.parquet", tmp_path / "left_out.csv"
    assert predict_records(model_in(tmp_path, CARD), [kept], [lost], ("p2", "P9"), out, left_out) == 7
    assert set(pq.read_table(out)["subject"].to_pylist()) == {"P2"}
    assert left_out.read_text() == "reason,count\nframe without labels,1\n"


def test_several_processes_write_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    random = np.random.default_rng(0)
    with (folder / "labels.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["image", "subject", "AU12"])
        for i in range(12):
            image = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
            (folder / f"{i}.jpg").write_bytes(jpeg.encode(image, 95, "4:4:4"))
            table.writerow([f"{i}.jpg", f"s{i % 4}", i % 2])
    found = []
    for processes in (1, 2):
        out, left_out = tmp_path / f"{processes}.tfrecord", tmp_path / f"{processes}.csv"
        write_frames(Source("own", folder, "all", None), 0, FORM, processes, out, tmp_path / "index.csv", left_out)
        found.append((out.read_bytes(), left_out.read_bytes()))
    assert found[0] == found[1]


def test_what_a_set_leaves_out_when_it_is_opened_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Opened(Videos):
        def __init__(self) -> None:
            super().__init__()
            self.left_out["video without labels"] += 3

    monkeypatch.setattr(frames_module, "get_dataset", lambda *_: Opened())
    frames_module._opened.cache_clear()
    write_frames(
        Source("opened", tmp_path, "all", None),
        0,
        FORM,
        1,
        tmp_path / "f",
        tmp_path / "index.csv",
        tmp_path / "lost.csv",
    )
    lines = (tmp_path / "lost.csv").read_text().splitlines()
    assert lines == [
        "part,reason,count",
        ",video without labels,3",
        "P1,frame without labels,1",
        "P2,frame without labels,1",
    ]


@pytest.mark.usefixtures("shown")
def test_a_model_of_faces_is_not_fed_whole_images(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model_in(tmp_path / "model", CARD)
    files = (tmp_path / name for name in ("bare.tfrecord", "bare_index.csv", "lost.csv"))
    write_frames(Source("videos", tmp_path, "all", None), 0, FORM, 1, *files)
    words = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "p.parquet")]
    with pytest.raises(SystemExit):
        main(["predict-records", str(tmp_path / "bare.tfrecord"), *words])
    assert "was trained on crops around the face, and" in capsys.readouterr().err
    main(["predict-records", str(kept), *words])
    assert "14 frames" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["predict-records", str(tmp_path / "missing.tfrecord"), *words])
    assert "missing.tfrecord does not exist" in capsys.readouterr().err


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.keras does not exist; give the folder of a trained model"):
        TrainedModel(tmp_path / "model.keras", tmp_path / "model.json", 3)


def test_a_model_that_is_not_whole_is_named(tmp_path: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    model_in(tmp_path, CARD)
    (tmp_path / "model.json").write_text(json.dumps(values(**CARD))[:-9])
    with pytest.raises(UserError, match=r"model\.json is damaged .*; train the model again"):
        TrainedModel(tmp_path / "model.keras", tmp_path / "model.json", 3)
    monkeypatch.undo()
    model_json(tmp_path / "model.json", **CARD)
    whole = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    whole.save(tmp_path / "whole.keras")
    data = (tmp_path / "whole.keras").read_bytes()
    for part in (data[: len(data) // 2], b"", b"no model"):
        (tmp_path / "model.keras").write_bytes(part)
        with pytest.raises(UserError, match=r"model\.keras is damaged"):
            TrainedModel(tmp_path / "model.keras", tmp_path / "model.json", 3)


@pytest.mark.usefixtures("shown")
def test_a_record_that_is_damaged_is_named(tmp_path: Path, kept: Path) -> None:
    data = bytearray(kept.read_bytes())
    data[len(data) // 2] ^= 1
    kept.write_bytes(data)
    with pytest.raises(UserError, match="is damaged in the record at byte"):
        predict_records(model_in(tmp_path, CARD), [kept], [], None, tmp_path / "p.parquet", tmp_path / "left_out.csv")
    assert not (tmp_path / "p.parquet").exists()
