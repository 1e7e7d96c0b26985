"""affectflow predict: images, folders, videos and cameras in, a row for each face out."""

from __future__ import annotations

import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pandas.testing import assert_frame_equal
from PIL import Image

keras = pytest.importorskip("keras")

from affectflow.cli import main
from affectflow.contracts.model_metadata import FaceAlignment
from affectflow.core.errors import UserError
from affectflow.faces.crop import crop
from affectflow.media import jpeg
from affectflow.media import sources as images
from affectflow.media.images import decode_rgb
from affectflow.media.pixels import Decoded
from affectflow.media.sources import Shown, find_sources
from affectflow.media.video import read_frames, write_video
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.predictor import Predictor
from affectflow.prediction.reader import load
from affectflow.prediction.write import Outputs
from tests.conftest import DETECTOR, PHOTOGRAPHS, ROOT, needs_faces
from tests.miniature import FRAMES, make_image, make_video, text
from tests.model_json import model_json

SIZE = 24
UNITS = (6, 12, 25)
YUNET_SHA256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"


def make_model(folder: Path, crops: dict[str, int], side: int | None = SIZE) -> Path:
    """A model whose outputs say how bright an image is: AU6 that it is dark, AU12 and valence that it is bright."""
    folder.mkdir(parents=True)
    pixels = keras.Input((side, side, 3), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    mean = keras.layers.GlobalAveragePooling2D()(scaled)
    heads = {
        "action_units": keras.layers.Dense(3, "sigmoid", name="action_units"),
        "intensities": keras.layers.Dense(1, name="intensities"),
        "valence_arousal": keras.layers.Dense(2, name="valence_arousal"),
    }
    model = keras.Model(pixels, {name: head(mean) for name, head in heads.items()})
    heads["action_units"].set_weights([np.tile([-3.0, 3.0, 0.0], (3, 1)), np.array([0.0, 0.0, 3.0])])
    heads["intensities"].set_weights([np.full((3, 1), 2.5 / 3), np.array([2.5])])
    heads["valence_arousal"].set_weights([np.tile([1 / 3, 0.0], (3, 1)), np.array([0.0, 0.25])])
    model.save(folder / "model.keras")
    model_json(
        folder / "model.json",
        heads=("action_units", "intensities", "valence_arousal"),
        units=UNITS,
        intensity_units=(12,),
        image_size=SIZE,
        crops=crops,
        faces=FaceAlignment.of("yunet", sha256=YUNET_SHA256, min_score=0.6),
    )
    return folder


@pytest.fixture(scope="module")
def of_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "whole", {"center": 5})


@pytest.fixture(scope="module")
def of_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "faces", {"face": 5, "center": 1})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Another configuration than the model's, which must change nothing."""
    path = tmp_path / "config" / "config.yaml"
    path.parent.mkdir()
    path.write_text((ROOT / "config/config.yaml").read_text().replace("min_score: 0.6", "min_score: 0.999", 1))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images, a video, a broken still, a text and a hidden file."""
    here = tmp_path / "some"
    make_image(here / "a.png", 0)
    make_image(here / "below/b.jpg", 7)
    make_video(here / "c.mp4")
    (here / "d.jpg").write_bytes(jpeg.encode(noise(0), 95, "4:4:4")[:-400])
    text(here / "notes.txt", "not an image")
    text(here / ".hidden", "nor this")
    return here


def noise(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything_asked_for_is_a_row(of_images: Path, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    with pytest.raises(SystemExit):
        main(["predict", str(folder), "--model", str(of_images), "--out", str(out)])
    rows = rows_of(out)
    places = [(Path(row["source"]).name, row["frame"], row["face"]) for row in rows]
    frames = [("c.mp4", str(frame), "1") for frame in range(1, FRAMES + 1)]
    assert places == [
        ("a.png", "", "1"),
        ("b.jpg", "", "1"),
        *frames,
        ("d.jpg", "", "0"),
    ]  # and notes.txt is passed over
    assert [row["time"] for row in rows][2:5] == ["0.0", "0.1", "0.2"]
    assert "cannot be decoded" in rows[-1]["problem"]
    assert {row["problem"] for row in rows[:-1]} == {""} and {row["crop"] for row in rows[:-1]} == {"center"}
    assert rows[-1]["AU12"] == rows[-1]["valence"] == rows[-1]["emotion"] == ""


def test_predictions_belong_to_their_images(of_images: Path, folder: Path) -> None:
    table = load(of_images).predict(folder / "a.png", folder / "below", folder / "c.mp4")
    brightness = np.array([40, 250, *(40 + 30 * i for i in range(FRAMES))]) / 127.5 - 1
    assert table["valence"].to_numpy() == pytest.approx(brightness, abs=0.02)
    assert table["AU12"].to_numpy() == pytest.approx(1 / (1 + np.exp(-9 * brightness)), abs=0.04)
    assert table["AU12_intensity"].to_numpy() == pytest.approx(2.5 + 2.5 * brightness, abs=0.05)
    assert (table["arousal"] == 0.25).all()
    assert table["happiness"].tolist() == [0.5] * 8  # AU6 where it is dark, AU12 where it is bright
    assert set(table["emotion"]) == {"Neutral"}


def test_arrays_and_pillow_images_are_predicted_as_files_are(of_images: Path, folder: Path) -> None:
    reader = load(of_images)
    pixels = decode_rgb((folder / "a.png").read_bytes()).pixels
    files = reader.predict(folder / "a.png", folder / "a.png", folder / "c.mp4")
    others = reader.predict(pixels, Image.fromarray(pixels), folder / "c.mp4")
    assert others["source"].tolist()[:2] == ["image 1", "image 2"]
    assert others.drop(columns="source").equals(files.drop(columns="source"))
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 3  # upside down, as some cameras store
    assert reader.predict(turned)["valence"][0] == pytest.approx(files["valence"][0], abs=0.02)
    for wrong in (pixels[..., 0], pixels.astype(float), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(UserError, match=r"image 1 is an array of .* give uint8"):
            reader.predict(wrong)


def test_a_model_without_a_search_for_faces_says_so(
    of_images: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(of_images).predict(folder)
    said = caplog.text
    assert "was trained without a search for faces, and reads the center of each image" in said
    assert "Passed over 1 files that are neither images nor videos (notes.txt)." in said
    caplog.clear()
    load(of_images, cropped=True)
    assert not caplog.text


def test_a_missing_model_is_told_before_tensorflow_is_imported(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom affectflow.cli import main\n"
        "try: main(['predict', 'x.jpg', '--model', 'nobody'])\n"
        "except SystemExit: print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "nobody/model.keras does not exist" in result.stderr and result.stdout.strip() == "[]"


def test_the_table_is_scored(of_images: Path, tmp_path: Path) -> None:
    """A table of predict is one of the formats of score; of several faces the most prominent counts."""
    make_image(tmp_path / "own/a.png", 0)
    make_image(tmp_path / "own/b.png", 7)
    text(tmp_path / "own/labels.csv", "image,AU12", "a.png,0", "b.png,1")
    main(["predict", str(tmp_path / "own"), "--model", str(of_images), "--out", str(tmp_path / "p.csv")])
    rows = (tmp_path / "p.csv").read_text().splitlines()
    header = rows[0].split(",")
    second = rows[1].split(",")
    second[header.index("face")], second[header.index("AU12")] = "2", "1"
    (tmp_path / "p.csv").write_text("\n".join([*rows, ",".join(second)]) + "\n")
    words = ["--benchmark", "own", "--root", str(tmp_path / "own"), "--out", str(tmp_path / "s.json")]
    main(["score", str(tmp_path / "p.csv"), *words])
    score = json.loads((tmp_path / "s.json").read_text())
    assert score["action_units"]["AU12"]["f1"] == 1.0 and score["program"] == "affectflow predict"
    assert score["unused_rows"] == {"prediction of another face in the same frame": 1}


def test_the_batch_size_changes_nothing(of_images: Path, folder: Path) -> None:
    tables = [load(of_images, batch_size=size).predict(folder) for size in (1, 3, 64)]
    for other in tables[1:]:  # but the last bits, on processors whose sums depend on the number of images
        assert_frame_equal(tables[0], other, check_exact=False, rtol=0, atol=1e-5)


def test_images_are_predicted_in_full_batches(of_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(10):
        make_image(tmp_path / f"some/{i}.png", i % 8)
    sizes: list[int] = []
    predict = TrainedModel.predict
    monkeypatch.setattr(TrainedModel, "predict", lambda self, x: sizes.append(len(x)) or predict(self, x))
    reader = load(of_images, batch_size=4)
    reader.write([tmp_path / "some"], Outputs(tmp_path / "p.csv"))
    reader.write([tmp_path / "some"], Outputs(tmp_path / "q.csv", overlay=tmp_path / "drawn"))
    assert sizes == [4, 4, 2] * 2
    assert (tmp_path / "p.csv").read_text() == (tmp_path / "q.csv").read_text()
    assert len(list((tmp_path / "drawn").iterdir())) == 10


def test_json_equals_csv(of_images: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["predict", str(folder / "below"), str(folder / "c.mp4"), "--model", str(of_images)]
    main([*words, "--out", str(tmp_path / "p.json")])
    main([*words, "--out", str(tmp_path / "p.csv")])
    capsys.readouterr()
    main(words)
    assert capsys.readouterr().out == (tmp_path / "p.csv").read_text()
    spoken = json.loads((tmp_path / "p.json").read_text())
    written = rows_of(tmp_path / "p.csv")
    assert [{name: "" if v is None else str(v) for name, v in row.items()} for row in spoken] == written
    with pytest.raises(SystemExit):
        main([*words, "--out", str(tmp_path / "p.xlsx")])
    assert "p.xlsx is none of .csv, .json and .parquet" in capsys.readouterr().err


def test_an_empty_folder_is_an_empty_table(of_images: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("p.json", "p.csv"):
        main(["predict", str(tmp_path / "empty"), "--model", str(of_images), "--out", str(tmp_path / name)])
    assert json.loads((tmp_path / "p.json").read_text()) == [] and rows_of(tmp_path / "p.csv") == []


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["nowhere.jpg"], "nowhere.jpg does not exist; give images, videos, folders or a camera"),
        (["config/config.yaml"], "config.yaml: neither an image nor a video"),
        (["/dev/null"], "/dev/null: gives no images"),
        (
            ["config/config.yaml", "--model", "nobody"],
            "nobody/model.keras does not exist; give the folder of a trained model",
        ),
    ],
)
def test_mistakes_are_one_sentence(
    of_images: Path,
    tmp_path: Path,
    config: Path,
    words: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = () if "--model" in words else ("--model", str(of_images))
    with pytest.raises(SystemExit) as stopped:
        main(["predict", *model, "--out", "p.csv", *words])
    assert stopped.value.code == 1 and sentence in capsys.readouterr().err and config.is_file()


def test_a_video_that_was_cut_says_so(of_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tmp_path / "whole.avi"
    write_video(whole, map(noise, range(FRAMES)), Fraction(10), "avi", "mpeg4")
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(SystemExit):
        main(["predict", str(cut), "--model", str(of_images), "--out", str(tmp_path / "p.csv")])
    assert "of its 6 frames" in capsys.readouterr().err
    rows = rows_of(tmp_path / "p.csv")
    assert 1 <= len(rows) - 1 < FRAMES and "of its 6 frames" in rows[-1]["problem"] and rows[-1]["AU12"] == ""


def test_a_long_video_is_never_in_memory(of_images: Path) -> None:
    fetched = itertools.count()

    def endless() -> Iterator[Shown]:
        while True:
            next(fetched)
            yield Shown("video", Decoded(np.zeros((8, 8, 3), np.uint8)), 1, 0.0)

    predictor = Predictor(TrainedModel(of_images / "model.keras", of_images / "model.json", 4), None, threads=2)
    some = predictor.predict(endless())
    for _ in range(12):
        next(some)
    some.close()
    assert next(fetched) <= 12 + 4 + 2 * 2 + 2


@pytest.mark.usefixtures("interruptible")
def test_a_camera_is_watched_for_some_seconds_or_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_CAMERA_FORMAT", "lavfi")
    camera = Path("testsrc=size=32x24:rate=25")
    watched = list(images._camera(camera, 0.05))
    assert watched and all(0 <= shown.time <= 0.05 for shown in watched)
    assert [shown.frame for shown in watched] == list(range(1, len(watched) + 1))
    seen = 0
    for seen, _ in enumerate(images._camera(camera, 60), start=1):
        if seen == 3:
            os.kill(os.getpid(), signal.SIGINT)
    assert 3 <= seen <= 5
    with pytest.raises(KeyboardInterrupt):  # as before
        os.kill(os.getpid(), signal.SIGINT)
        signal.sigtimedwait([], 1)


def photographs(count: int) -> list[Path]:
    return sorted(PHOTOGRAPHS.rglob("*.jpg"))[:count]


@needs_faces
@pytest.mark.usefixtures("config")
def test_every_face_is_found_and_aligned_as_in_training(
    of_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever configuration is in the working folder."""
    from PIL import Image

    from affectflow.faces.yunet import Detector

    monkeypatch.chdir(tmp_path)

    one, other = (decode_rgb(path.read_bytes()).pixels for path in photographs(2))
    both = np.concatenate([one, other[: len(one)]], axis=1)
    Image.fromarray(both).save(tmp_path / "both.png")
    Image.new("RGB", (200, 200)).save(tmp_path / "nobody.png")
    table = load(of_faces, detector=DETECTOR).predict(tmp_path / "both.png", tmp_path / "nobody.png")
    assert table["face"].tolist() == [1, 2, 0] and table["crop"].tolist()[:2] == ["face", "face"]
    assert table["problem"].tolist() == ["", "", "no face"]
    middles = sorted(table["left"][:2] + table["width"][:2] / 2)
    assert middles[0] < one.shape[1] < middles[1]
    faces = Detector(DETECTOR, YUNET_SHA256, 0.6).find_all(both)
    model = TrainedModel(of_faces / "model.keras", of_faces / "model.json", 64)
    expected = model.predict(np.stack([crop(both, face, SIZE) for face in faces]))
    assert np.array_equal(table["valence"][:2].to_numpy(np.float32), expected.affect[:, 0])


@needs_faces
def test_cropped_images_are_taken_as_they_are(of_faces: Path, tmp_path: Path) -> None:
    make_image(tmp_path / "a.png", 4)
    table = load(of_faces, cropped=True).predict(tmp_path / "a.png")
    assert table["crop"].tolist() == ["center"] and table["problem"].tolist() == [""]


def test_a_model_of_faces_needs_a_detector(of_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_image(tmp_path / "a.png", 4)
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="does not exist, and this model was trained on faces"):
        load(of_faces, detector=tmp_path / "none.onnx")


@needs_faces
def test_a_model_folder_that_was_moved_predicts_with_its_own_detector(
    of_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "moved"
    shutil.copytree(of_faces, model)
    (model / "face_detector.onnx").unlink(missing_ok=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError,
        match=r"moved/face_detector\.onnx does not exist.*affectflow fetch-detector .*/affectflow/face_detector\.onnx",
    ):
        load(model)
    shutil.copy(DETECTOR, model / "face_detector.onnx")
    assert load(model).predict(PHOTOGRAPHS / "001_smiling.jpg")["crop"].tolist() == ["face"]


def differing(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The share of pixels that differ clearly."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(axis=-1) > 40).mean())


@needs_faces
def test_it_is_drawn_into_images_and_videos(of_faces: Path, tmp_path: Path) -> None:
    path = photographs(1)[0]
    words = [str(path), "--model", str(of_faces), "--detector", str(DETECTOR)]
    main(["predict", *words, "--out", str(tmp_path / "p.csv"), "--overlay", str(tmp_path / "drawn")])
    before = decode_rgb(path.read_bytes()).pixels
    after = decode_rgb((tmp_path / "drawn" / f"{path.name}.jpg").read_bytes()).pixels
    assert before.shape == after.shape and 0.002 < differing(before, after) < 0.3
    (row,) = rows_of(tmp_path / "p.csv")
    left, top = round(float(row["left"])), round(float(row["top"]) + float(row["height"]))
    edge = after[top - 1 : top + 2, left + 20 : left + 60].reshape(-1, 3).astype(int)
    assert (edge[:, 1] - edge[:, 0] > 40).mean() > 0.5  # green


def test_drawings_are_not_laid_among_what_is_read(
    of_images: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["predict", str(folder), "--model", str(of_images), "--overlay", str(folder / "drawn")])
    assert "would be read the next time" in capsys.readouterr().err and not (folder / "drawn").exists()


def test_a_video_with_drawings_has_the_same_frames(of_images: Path, tmp_path: Path) -> None:
    source = make_video(tmp_path / "video.avi")
    words = ["predict", str(source), "--model", str(of_images), "--out"]
    main([*words, str(tmp_path / "p.csv")])
    main([*words, str(tmp_path / "q.csv"), "--overlay", str(tmp_path / "drawn")])
    assert (tmp_path / "p.csv").read_text() == (tmp_path / "q.csv").read_text()
    drawn = list(read_frames(tmp_path / "drawn/video.avi.mp4"))
    original = list(read_frames(source))
    assert [round(frame.time, 3) for frame in drawn] == [round(frame.time, 3) for frame in original]
    assert all(differing(one.rgb, other.rgb) > 0.01 for one, other in zip(drawn, original, strict=True))


def test_images_of_one_name_are_drawn_side_by_side(of_images: Path, tmp_path: Path) -> None:
    paths = [make_image(tmp_path / f"{folder}/same.png", grey) for folder, grey in (("a", 0), ("b", 7))]
    assert [source.name for source in find_sources(paths)] == ["same.png", "same-2.png"]
    words = ["--out", str(tmp_path / "p.csv"), "--overlay", str(tmp_path / "drawn"), "--model", str(of_images)]
    main(["predict", *map(str, paths), *words])
    drawn = [decode_rgb((tmp_path / "drawn" / f"{name}.png.jpg").read_bytes()).pixels for name in ("same", "same-2")]
    assert drawn[0][-1, -1, 0] < 60 and drawn[1][-1, -1, 0] > 100


def test_folders_keep_their_order_and_their_names(folder: Path) -> None:
    assert [source.name for source in find_sources([folder])] == ["a.png", "below/b.jpg", "c.mp4", "d.jpg", "notes.txt"]


def test_tiled_images_are_not_taken_for_videos(
    of_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:

    (tmp_path / "some").mkdir()
    (tmp_path / "some/a.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(64))
    (tmp_path / "some/b.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path / "some"), "--model", str(of_images), "--out", str(tmp_path / "p.csv")])
    assert "not an image in a known format" in capsys.readouterr().err
    assert ["not an image" in row["problem"] for row in rows_of(tmp_path / "p.csv")] == [True, True]


def test_links_are_followed_once_and_dead_ones_are_rows(
    of_images: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(tmp_path / "elsewhere/e.png", 3)
    (folder / "far").symlink_to(tmp_path / "elsewhere")
    (folder / "below/round").symlink_to(folder)
    (folder / "dead.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(folder / "pipe")
    listed = os.scandir

    def scandir(path: str) -> Iterator[os.DirEntry[str]]:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    (folder / "closed").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    sources = find_sources([folder])
    assert [source.name for source in sources] == [
        *("a.png", "below/b.jpg", "c.mp4", "closed", "d.jpg", "dead.png", "far/e.png", "notes.txt", "pipe")
    ]
    problems = {source.name: source.problem for source in sources if source.problem}
    assert problems == {
        "closed": "a folder that cannot be read (Permission denied)",
        "dead.png": "a broken link",
        "notes.txt": "neither an image nor a video",
        "pipe": "neither an image nor a video",
    }


def test_a_colon_in_a_name_is_no_protocol(of_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(Path("video.mp4")).rename("http:1.mp4")
    main(["predict", "http:1.mp4", "--model", str(of_images), "--out", "p.csv", "--overlay", "drawn"])
    assert len(rows_of(Path("p.csv"))) == FRAMES == len(list(read_frames(Path("drawn/http:1.mp4.mp4"))))


def test_a_lost_camera_costs_nothing_of_the_rest(
    of_images: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "a.png"), "/dev/null", "--model", str(of_images), "--out", str(tmp_path / "p.csv")]
    with pytest.raises(SystemExit):
        main(["predict", *words])
    assert "everything else is written" in capsys.readouterr().err
    assert [bool(row["problem"]) for row in rows_of(tmp_path / "p.csv")] == [False, True]
