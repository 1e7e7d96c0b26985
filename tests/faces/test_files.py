"""``affectflow find-faces`` and ``affectflow crop`` on photographs."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from affectflow.cli import main
from affectflow.datasets.face import EYE_DISTANCE, EYE_HEIGHT
from tests.conftest import DETECTOR, PHOTOGRAPHS, needs_faces
from tests.miniature import make_image, text

pytestmark = needs_faces
NAMES = ("001_smiling.jpg", "003_neutral.jpg")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs, an image without a face, half an image and a text."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album/below").mkdir(parents=True)
    shutil.copy(PHOTOGRAPHS / NAMES[0], tmp_path / "album")
    shutil.copy(PHOTOGRAPHS / NAMES[1], tmp_path / "album/below")
    make_image(tmp_path / "album/wall.png", 3)
    (tmp_path / "album/half.jpg").write_bytes((PHOTOGRAPHS / NAMES[0]).read_bytes()[:3000])
    text(tmp_path / "album/notes.txt", "not an image")
    return tmp_path / "album"


def test_a_table_in_the_form_of_its_suffix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for suffix in ("csv", "json", "parquet"):
        main(["find-faces", str(folder), "--out", f"faces.{suffix}", "--detector", str(DETECTOR)])
        assert capsys.readouterr().out == "2 faces\n"
    rows = json.loads(Path("faces.json").read_text())
    assert pq.read_table("faces.parquet").to_pylist() == rows
    written = list(csv.DictReader(Path("faces.csv").read_text().splitlines()))
    assert [{name: "" if v is None else str(v) for name, v in row.items()} for row in rows] == written
    by_name = {Path(row["source"]).name: row for row in rows}
    assert by_name.keys() == {*NAMES, "wall.png", "half.jpg"}
    assert by_name["wall.png"]["problem"] == "no face" and by_name["wall.png"]["face"] == 0
    assert by_name["half.jpg"]["problem"] and by_name["half.jpg"]["face"] == 0
    face = by_name[NAMES[0]]
    assert face["left"] < face["eye_1_x"] < face["eye_2_x"] < face["left"] + face["width"]
    with pytest.raises(SystemExit):
        main(["find-faces", str(folder), "--out", "faces.xlsx", "--detector", str(DETECTOR)])
    assert "faces.xlsx is not a .csv, .json or .parquet file; choose one of these" in capsys.readouterr().err


def test_crops_are_aligned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["crop", str(folder), "--out", "crops", "--size", "200", "--detector", str(DETECTOR)])
    assert capsys.readouterr().out == "2 crops; 2 images without one, see crops/crops.csv\n"
    rows = {row["crop"]: row for row in csv.DictReader(Path("crops/crops.csv").read_text().splitlines())}
    assert {Path(name) for name in rows if name} == {Path("001_smiling.png"), Path("below/003_neutral.png")}
    main(["find-faces", "crops", "--out", "again.json", "--detector", str(DETECTOR)])
    for row in json.loads(Path("again.json").read_text()):
        if row["face"]:
            with Image.open(row["source"]) as image:
                assert image.size == (200, 200)
            eyes = np.array([[row[f"eye_{n}_{axis}"] for axis in "xy"] for n in (1, 2)])
            assert eyes[:, 1] == pytest.approx(200 * EYE_HEIGHT, abs=6)
            assert eyes[1, 0] - eyes[0, 0] == pytest.approx(200 * EYE_DISTANCE, abs=8)


def test_no_detector_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["crop", str(folder), "--out", "crops"])
    said = capsys.readouterr().err
    assert "results/weights/face_detector.onnx does not exist; give YuNet's file (SHA-256 ebafce4e" in said


@needs_faces
def test_a_crop_never_replaces_the_image_that_it_is_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "photos" / "a.png"
    image.parent.mkdir()
    Image.open(PHOTOGRAPHS / "001_smiling.jpg").save(image)
    before = image.read_bytes()
    with pytest.raises(SystemExit):
        main(["crop", str(image), "--out", str(image.parent), "--detector", str(DETECTOR)])
    assert "a.png is also read; write to another file" in capsys.readouterr().err
    assert image.read_bytes() == before and list(image.parent.iterdir()) == [image]
