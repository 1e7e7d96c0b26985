"""Sums over the predictions of a video, and predictions of some frames of each second."""

from __future__ import annotations

import csv
import statistics
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

pytest.importorskip("keras")

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.media import jpeg
from affectflow.media.sources import find_sources
from affectflow.media.video import read_frames, write_video
from affectflow.prediction.reader import load
from affectflow.prediction.summary import Summary
from affectflow.prediction.write import Outputs
from tests.miniature import make_image
from tests.prediction.test_predict import make_model, noise

COLUMNS = ("source", "frame", "time", "face", "AU12", "AU12_intensity", "valence", "arousal", "problem")
PRESENT = 0.4


def rows_of_frame(number: int, *faces: float | None) -> list[dict[str, Any]]:
    """The rows of a frame of a video with 10 frames a second, by the AU12 of its faces; None for one that is lost."""
    position = dict.fromkeys(COLUMNS) | {"source": "a.mp4", "frame": number, "time": (number - 1) / 10}
    seen = [
        position | {"face": face, "AU12": value, "valence": value / 2, "arousal": 0.25}
        for face, value in enumerate(faces, start=1)
        if value is not None
    ]
    return seen or [position | {"face": 0, "problem": "no face"}]


def summarized(tmp_path: Path, *images: list[dict[str, Any]], video: str | None = "a") -> list[dict[str, str]]:
    summary = Summary(COLUMNS, {"AU12": PRESENT})
    for rows in images:
        summary.add(rows, video)
    summary.write(tmp_path / "summary.csv")
    return list(csv.DictReader((tmp_path / "summary.csv").open()))


def test_rate_mean_and_onsets_of_each_face(tmp_path: Path) -> None:
    first = [0.1, 0.5, 0.9, 0.3, None, 0.8, 0.8, None, 0.8, 0.2]
    frames = [rows_of_frame(number, value, 0.4) for number, value in enumerate(first, start=1)]
    one, other = summarized(tmp_path, *frames)
    given = [value for value in first if value is not None]
    assert (one["source"], one["face"], one["images"], one["without"]) == ("a.mp4", "1", "8", "2")
    assert float(one["minutes"]) == pytest.approx(8 * 0.1 / 60, rel=1e-5)
    assert float(one["AU12_rate"]) == 5 / 8 and float(one["AU12_mean"]) == pytest.approx(sum(given) / 8)
    # It begins at the second frame, at the sixth, and again where the face is seen again.
    assert float(one["AU12_onsets_per_minute"]) == pytest.approx(3 / (8 * 0.1 / 60), rel=1e-5)
    assert float(one["valence_sd"]) == pytest.approx(statistics.stdev(value / 2 for value in given), rel=1e-5)
    assert (other["face"], other["images"], other["without"], other["AU12_rate"]) == ("2", "10", "0", "1.0")
    assert float(other["AU12_onsets_per_minute"]) == pytest.approx(60)
    assert list(one) == [
        *(
            "source",
            "face",
            "images",
            "without",
            "minutes",
            "problem",
            "AU12_rate",
            "AU12_mean",
            "AU12_onsets_per_minute",
        ),
        *("valence_mean", "valence_sd", "arousal_mean", "arousal_sd"),
    ]


def test_a_video_without_a_face_has_a_row_and_what_ended_it_is_no_frame(tmp_path: Path) -> None:
    ended = dict.fromkeys(COLUMNS) | {"source": "a.mp4", "face": 0, "problem": "damaged after frame 2"}
    (row,) = summarized(tmp_path, rows_of_frame(1), rows_of_frame(2), [ended])
    assert (row["face"], row["images"], row["without"], row["AU12_rate"]) == ("0", "0", "2", "")
    assert row["problem"] == "damaged after frame 2"
    (row,) = summarized(tmp_path, [ended])
    assert (row["images"], row["without"], row["problem"]) == ("0", "0", "damaged after frame 2")
    assert summarized(tmp_path) == []


def test_a_video_that_is_named_twice_is_two(tmp_path: Path) -> None:
    summary = Summary(COLUMNS, {"AU12": PRESENT})
    for video in ("a.mp4", "a-2.mp4"):
        for number in (1, 2, 3):
            summary.add(rows_of_frame(number, 0.9), video)
    summary.write(tmp_path / "summary.csv")
    assert [row["images"] for row in csv.DictReader((tmp_path / "summary.csv").open())] == ["3", "3"]


def test_images_of_a_folder_are_one_row_without_onsets(tmp_path: Path) -> None:
    images = [
        [row | {"source": f"some/{number}.jpg", "frame": None, "time": None} for row in rows_of_frame(number, value)]
        for number, value in enumerate((0.9, 0.1, None), start=1)
    ]
    (row,) = summarized(tmp_path, *images, video=None)
    assert (row["source"], row["images"], row["without"], row["minutes"]) == ("some", "2", "1", "")
    assert (row["AU12_rate"], row["AU12_onsets_per_minute"]) == ("0.5", "")
    (row,) = summarized(tmp_path, images[0], video=None)
    assert row["valence_sd"] == ""


@pytest.mark.parametrize(
    ("rate", "fps", "kept"),
    [
        (Fraction(10), 2, [1, 6, 11, 16]),
        (Fraction(10), 10, list(range(1, 21))),
        (Fraction(10), 99, list(range(1, 21))),
        (Fraction(10), 0.5, [1]),
        (Fraction(30000, 1001), 10, [1, 4, 7, 10, 13, 16, 19]),
    ],
)
def test_some_frames_of_each_second(tmp_path: Path, rate: Fraction, fps: float, kept: list[int]) -> None:
    frames = [np.full((32, 32, 3), 10 * number, np.uint8) for number in range(20)]
    write_video(tmp_path / "a.mp4", frames, rate)
    (source,) = find_sources([tmp_path / "a.mp4"])
    assert [shown.frame for shown in source.images(fps=fps)] == kept


@pytest.mark.parametrize(("rate", "fps", "kept"), [(30, 30, 31), (30, 15, 16), (60, 60, 31), (30, 1000, 31)])
def test_times_of_matroska_are_rounded(tmp_path: Path, rate: int, fps: float, kept: int) -> None:
    frames = [np.full((32, 32, 3), 8 * number, np.uint8) for number in range(31)]
    write_video(tmp_path / "a.mkv", frames, Fraction(rate), "matroska")
    (source,) = find_sources([tmp_path / "a.mkv"])
    assert len(list(source.images(fps=fps))) == kept


def test_frames_without_times_are_placed_by_their_rate(tmp_path: Path) -> None:
    frames = [np.full((32, 32, 3), 10 * number, np.uint8) for number in range(20)]
    write_video(tmp_path / "a.h264", frames, Fraction(25), "h264")
    (source,) = find_sources([tmp_path / "a.h264"])
    shown = list(source.images(fps=5))
    assert all(np.isnan(one.time) for one in shown)
    assert [one.frame for one in shown] == [1, 6, 11, 16]


@pytest.mark.parametrize(
    ("summary", "message"),
    [
        ("s.parquet", "is not a .csv file"),
        ("p.csv", "name two files"),
        ("folder.csv", "is a folder; give the path of a file"),
    ],
)
def test_a_summary_that_cannot_be_written_is_told_before_anything_is_read(
    tmp_path: Path, summary: str, message: str
) -> None:
    reader = load(make_model(tmp_path / "model", {"center": 5}))
    make_image(tmp_path / "some/a.png", 0)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UserError, match=message):
        reader.write([tmp_path / "some"], Outputs(tmp_path / "p.csv", summary=tmp_path / summary))
    assert not (tmp_path / "p.csv").exists()


def test_a_name_that_is_not_utf8_is_in_parquet_too(tmp_path: Path) -> None:
    import os

    reader = load(make_model(tmp_path / "model", {"center": 5}))
    make_image(tmp_path / "a.png", 0)
    os.makedirs(tmp_path / "some")
    os.rename(tmp_path / "a.png", os.fsencode(tmp_path / "some") + b"/caf\xe9.png")
    reader.write([tmp_path / "some"], Outputs(tmp_path / "p.parquet"))
    (source,) = pd.read_parquet(tmp_path / "p.parquet")["source"]
    assert source.endswith("caf\\xe9.png")


def test_parquet_is_the_csv_and_the_summary_is_of_what_was_read(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", {"center": 5})
    frames = [np.full((32, 32, 3), 255 * (number // 10 % 2), np.uint8) for number in range(40)]
    write_video(tmp_path / "film.mp4", frames, Fraction(10))
    make_image(tmp_path / "some/a.png", 0)
    (tmp_path / "some/b.jpg").write_bytes(jpeg.encode(noise(0), 95, "4:4:4")[:-400])
    words = ["predict", str(tmp_path / "film.mp4"), str(tmp_path / "some"), "--model", str(model), "--fps", "5"]
    words += ["--summary", str(tmp_path / "sum.csv"), "--overlay", str(tmp_path / "drawn")]
    for name in ("p.csv", "p.parquet"):
        with pytest.raises(SystemExit):  # because of the broken image, when all is written
            main([*words, "--out", str(tmp_path / name)])
    table = pd.read_parquet(tmp_path / "p.parquet")
    assert len(table) == 20 + 2 and table["frame"].dropna().tolist() == list(range(1, 41, 2))
    expected = pd.read_csv(tmp_path / "p.csv", keep_default_na=False, na_values=[""])
    assert_frame_equal(table.replace("", None).fillna(np.nan), expected, check_dtype=False)
    assert table.dtypes["AU12"] == np.float64 and table["problem"].iloc[-1]
    of_film, of_folder = csv.DictReader((tmp_path / "sum.csv").open())
    assert (of_film["source"], of_film["images"], of_film["without"]) == (str(tmp_path / "film.mp4"), "20", "0")
    assert (of_film["AU12_rate"], of_film["minutes"]) == ("0.5", "0.0666667")
    assert float(of_film["AU12_onsets_per_minute"]) == pytest.approx(2 / (4 / 60), rel=1e-4)
    assert (of_folder["source"], of_folder["images"], of_folder["without"]) == (str(tmp_path / "some"), "1", "1")
    drawn = list(read_frames(tmp_path / "drawn/film.mp4.mp4"))
    assert len(drawn) == 20 and drawn[-1].time == pytest.approx(19 / 5)


def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["predict", str(tmp_path), "--fps", "0"])
    assert "Must be > 0" in capsys.readouterr().err
