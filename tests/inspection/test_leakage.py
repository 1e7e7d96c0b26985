"""What a model has seen of a benchmark, found through files on disk."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from affectflow.cli import main
from affectflow.contracts.leakage import LeakageFile
from affectflow.datasets.face import Face
from affectflow.datasets.face_table import FACES_SCHEMA, face_cells
from affectflow.inspection.leakage import IMAGES_SCHEMA, Side, check_leakage, digest_images
from affectflow.media.near_duplicates import has_contrast, hashes_of, nearest
from affectflow.media.video import read_frames, write_video
from affectflow.tables.parquet import read_parquet, write_parquet
from tests.miniature import text

FRAMES = 6


def scenery(seed: int, size: int = 96) -> NDArray[np.uint8]:
    """A smooth image unlike that of another seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


@pytest.fixture
def disfa(tmp_path: Path) -> Path:
    """Two people, of whom each frame is another image."""
    root = tmp_path / "disfa"
    (root / "Videos_LeftCamera").mkdir(parents=True)
    for number, subject in enumerate(("SN001", "SN006")):
        images = (scenery(100 * number + frame) for frame in range(FRAMES))
        write_video(video_of(root, subject), images, Fraction(20), "avi", "mpeg4")
        lines = (f"{frame},{frame % 3}" for frame in range(1, FRAMES + 1))
        text(root / "ActionUnit_Labels" / subject / f"{subject}_au12.txt", *lines)
    return root


def video_of(root: Path, subject: str) -> Path:
    return root / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi"


def frame_of(root: Path, subject: str, frame: int) -> NDArray[np.uint8]:
    return next(found.rgb for found in read_frames(video_of(root, subject)) if found.index == frame)


def own(root: Path, images: dict[str, NDArray[np.uint8]]) -> Path:
    root.mkdir()
    for name, pixels in images.items():
        Image.fromarray(pixels).save(root / name)
    text(root / "labels.csv", "image,AU12", *(f"{name},1" for name in images))
    return root


def side(folder: Path, name: str, root: Path, split: str = "all", dataset: str = "") -> Side:
    table = folder / f"{name}.parquet"
    if not table.exists():
        digest_images(dataset or name, root, "all", 1, table)
    return Side(dataset or name, root, split, table)


def overlap(folder: Path, benchmark: Side, *trained: Side) -> tuple[LeakageFile, list[dict[str, str]]]:
    counts = check_leakage(benchmark, trained, 6, 20, folder / "pairs.csv", folder / "counts.json")
    return counts, list(csv.DictReader((folder / "pairs.csv").open()))


def test_the_command(tmp_path: Path, disfa: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained = own(tmp_path / "own", {"same.png": frame_of(disfa, "SN001", 2)})
    out = tmp_path / "found.csv"
    main(
        ["check-leakage", "--benchmark", f"disfa={disfa}@fold1-test", "--trained", f"own={trained}", "--out", str(out)]
    )
    said = capsys.readouterr().out
    assert f"{FRAMES} images of the benchmark: 1 are among the 1 training images, 0 are near duplicates of one" in said
    assert "SN001/2" in out.read_text() and out.with_suffix(".json").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("disfa", "own=x"), "'disfa' is not NAME=FOLDER; give a data set and its folder"),
        (("faces=x", "own=x"), "There is no data set 'faces'"),
        (("disfa=nowhere", "own=x"), "nowhere is not a folder"),
    ],
)
def test_mistakes(
    tmp_path: Path, arguments: tuple[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(
            ["check-leakage", "--benchmark", arguments[0], "--trained", arguments[1], "--out", str(tmp_path / "o.csv")]
        )
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()


def test_the_same_and_alike_images_are_found(tmp_path: Path, disfa: Path) -> None:
    same, alike = frame_of(disfa, "SN001", 2), frame_of(disfa, "SN006", 5)
    brighter = np.clip(cv2.resize(alike, (160, 160)).astype(int) + 12, 0, 255).astype(np.uint8)
    images = {"same.png": same, "alike.jpg": brighter, "other.png": scenery(999)}
    trained = own(tmp_path / "own", images)
    counts, pairs = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "own", trained))
    assert (counts.exact, counts.near, counts.subjects) == (1, 1, 0)
    assert (counts.images, counts.compared_with) == (2 * FRAMES, 3)
    found = {row["kind"]: (row["benchmark"], row["trained_on"], row["trained"]) for row in pairs}
    assert found == {"exact": ("SN001/2", "own", "same.png"), "near": ("SN006/5", "own", "alike.jpg")}


def test_mirror_images_are_found(tmp_path: Path, disfa: Path) -> None:
    trained = own(tmp_path / "own", {"mirror.png": frame_of(disfa, "SN006", 5)[:, ::-1], "other.png": scenery(999)})
    counts, pairs = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "own", trained))
    assert (counts.exact, counts.near) == (0, 1)
    assert (pairs[0]["benchmark"], pairs[0]["trained"]) == ("SN006/5", "mirror.png")


def test_images_of_one_face_are_found_by_the_face(tmp_path: Path) -> None:
    """Cut to the face and mirrored, an image looks like another one, but for its face."""
    photo = scenery(5, 200)
    cut = photo[30:170, 40:180][:, ::-1]
    face = Face((60, 60, 80, 100), (80.0, 90.0, 120.0, 90.0, 100.0, 112.0, 85.0, 130.0, 115.0, 130.0))
    x, y = np.array(face.points[::2]), np.array(face.points[1::2])
    order = [1, 0, 2, 4, 3]
    turned = Face((0, 0, 1, 1), tuple(np.stack([139 - (x - 40), y - 30], axis=1)[order].ravel()))
    sides = []
    for name, pixels, found in (("one", photo, face), ("two", cut, turned)):
        root = own(tmp_path / name, {"1.png": pixels, "other.png": scenery(ord(name[0]), 200)})
        rows = [
            {"source": source, "sha256": "", **face_cells("found", one)}
            for source, one in (("1.png", found), ("other.png", face))
        ]
        write_parquet(tmp_path / f"{name}_faces", FACES_SCHEMA, rows)
        digest_images("own", root, "all", 1, tmp_path / f"{name}.parquet", tmp_path / f"{name}_faces")
        sides.append(Side("own", root, "all", tmp_path / f"{name}.parquet"))
    counts, pairs = overlap(tmp_path, sides[0], sides[1])
    assert (counts.exact, counts.near) == (0, 1) and (pairs[0]["benchmark"], pairs[0]["trained"]) == ("1.png", "1.png")
    without = [side(tmp_path, f"{name}_without_faces", tmp_path / name, dataset="own") for name in ("one", "two")]
    assert overlap(tmp_path, *without)[0].near == 0


def test_a_set_without_a_readable_image_is_compared_with_nothing(tmp_path: Path, disfa: Path) -> None:
    trained = own(tmp_path / "own", {"only.png": frame_of(disfa, "SN001", 2)})
    (trained / "only.png").write_bytes(b"no image")
    counts, pairs = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "own", trained))
    assert (counts.images, counts.compared_with, counts.exact, pairs) == (2 * FRAMES, 0, 0, [])


def test_people_are_found_under_the_name_that_both_sets_give_them(tmp_path: Path, disfa: Path) -> None:
    posed = tmp_path / "disfaplus"
    for subject in ("SN006", "SN027"):
        folder = posed / subject / "A1_TrailNo_1"
        folder.mkdir(parents=True)
        Image.fromarray(scenery(5000 + int(subject[2:]))).save(folder / "001.jpg")
        text(folder / "AU12.txt", "% AU12", "% image intensity", "001.jpg 3")
    counts, pairs = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "disfaplus", posed))
    assert counts.subjects == 1 and counts.exact == 0
    assert [row["benchmark"] for row in pairs if row["kind"] == "subject"] == ["SN006"]


def test_only_the_sides_in_use_are_compared(tmp_path: Path, disfa: Path) -> None:
    """SN001 is of the first fold and SN006 of the second."""
    tested = side(tmp_path, "disfa", disfa, "fold1-test")
    counts, _ = overlap(tmp_path, tested, side(tmp_path, "disfa", disfa, "fold1-train"))
    assert (counts.images, counts.compared_with) == (FRAMES, FRAMES)
    assert (counts.exact, counts.near, counts.subjects) == (0, 0, 0)
    counts, _ = overlap(tmp_path, tested, side(tmp_path, "disfa", disfa, "all"))
    assert (counts.exact, counts.subjects) == (FRAMES, 1)


def affwild(root: Path, name: str) -> Path:
    images = (scenery(300 + frame) for frame in range(FRAMES))
    write_video(root / "videos" / "train" / f"{name}.avi", images, Fraction(20), "avi", "mpeg4")
    for dimension in ("valence", "arousal"):
        text(root / "annotations" / "train" / dimension / f"{name}.txt", *["0.1"] * FRAMES)
    return root


def affwild2(root: Path, name: str) -> Path:
    for frame in range(1, FRAMES + 1):
        folder = root / "cropped_aligned" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scenery(900 + frame)).save(folder / f"{frame:05d}.jpg")
    text(root / "VA_Set" / "Training_Set" / f"{name}.txt", "valence,arousal", *["0.1,0.2"] * FRAMES)
    return root


@pytest.mark.parametrize("turned", [False, True])
def test_sets_that_share_videos_under_other_names_are_unknown_to_each_other(tmp_path: Path, turned: bool) -> None:
    (tmp_path / "one" / "videos" / "train").mkdir(parents=True)
    sides = [
        side(tmp_path, "affwild", affwild(tmp_path / "one", "007")),
        side(tmp_path, "affwild2", affwild2(tmp_path / "two", "5-60-1920x1080-1")),
    ]
    counts, pairs = overlap(tmp_path, *(reversed(sides) if turned else sides))
    assert counts.is_unknown and pairs == []
    assert counts.exact is counts.near is counts.subjects is counts.videos is None
    assert "what is in both is unknown" in counts.summary()
    assert LeakageFile.read(tmp_path / "counts.json") == counts


def test_a_video_of_one_name_is_in_both(tmp_path: Path) -> None:
    (tmp_path / "one" / "videos" / "train").mkdir(parents=True)
    tested = side(tmp_path, "affwild", affwild(tmp_path / "one", "Video45"))
    counts, pairs = overlap(tmp_path, tested, side(tmp_path, "affwild2", affwild2(tmp_path / "two", "video45")))
    assert (counts.exact, counts.near, counts.subjects, counts.videos) == (0, 0, 0, 1)
    assert [(row["kind"], row["benchmark"], row["trained"]) for row in pairs] == [("video", "Video45", "video45")]


def test_an_unseen_benchmark_overlaps_in_nothing(tmp_path: Path, disfa: Path) -> None:
    trained = own(tmp_path / "own", {f"{i}.png": scenery(7000 + i) for i in range(40)})
    counts, pairs = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "own", trained))
    assert (counts.exact, counts.near, counts.subjects) == (0, 0, 0) and pairs == []


def test_images_without_contrast_are_compared_by_their_pixels_alone(tmp_path: Path, disfa: Path) -> None:
    black, grey = np.zeros((96, 96, 3), np.uint8), np.full((96, 96, 3), 90, np.uint8)
    write_video(video_of(disfa, "SN001"), (black for _ in range(FRAMES)), Fraction(20), "avi", "mpeg4")
    trained = own(tmp_path / "own", {"grey.png": grey})
    counts, _ = overlap(tmp_path, side(tmp_path, "disfa", disfa), side(tmp_path, "own", trained))
    assert (counts.exact, counts.near) == (0, 0)


@pytest.mark.parametrize("bits", [0, 3, 6, 15, 16, 31])
def test_nearest_is_that_of_a_plain_search(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("affectflow.media.near_duplicates._PAIRS_AT_ONCE", 50)
    rng = np.random.default_rng(bits)
    others = rng.integers(0, 1 << 16, (300, 16)).astype(np.uint16)
    hashes = np.concatenate([others[rng.integers(300, size=80)], rng.integers(0, 1 << 16, (20, 16)).astype(np.uint16)])
    for row in hashes:
        for _ in range(rng.integers(0, bits + 3)):
            row[rng.integers(16)] ^= np.uint16(1 << rng.integers(16))
    others[5] = 0
    place, found = nearest(hashes, [others], bits)
    for i, row in enumerate(hashes):
        distances = np.bitwise_count(row ^ others).sum(axis=1).astype(int)
        distances[~has_contrast(others)] = 999
        best = int(distances.min())
        assert (place[i], found[i]) == ((int(distances.argmin()), best) if best <= bits else (-1, 257))


def test_a_table_of_digests_has_a_row_a_frame(tmp_path: Path, disfa: Path) -> None:
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    assert digest_images("disfa", disfa, "all", 1, one) == 2 * FRAMES
    digest_images("disfa", disfa, "all", 2, two)
    assert one.read_bytes() == two.read_bytes()
    table = read_parquet(one, IMAGES_SCHEMA)
    assert hashes_of(table["dhash"].to_pylist()).shape == (2 * FRAMES, 16)
    assert len(set(table["sha256"].to_pylist())) == 2 * FRAMES
