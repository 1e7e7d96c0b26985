"""Own films, traced: found by content, converted where browsers need it, merged into a data set that can be read."""

from __future__ import annotations

import csv
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.miniature import FRAMES, film, grey, text

from affectflow.annotation.clips import find_clips, playable
from affectflow.annotation.consensus import Wishes
from affectflow.annotation.merge_films import Merged, merge_films
from affectflow.annotation.sweeps import Sweeps, cut_of
from affectflow.cli import main
from affectflow.datasets import get_dataset
from affectflow.errors import UserError
from affectflow.fingerprint import file_sha256
from affectflow.video import read_frames, write_video

WISHES = Wishes(1.0, 0.0, 3.0, None)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two films, a hidden one, and a text."""
    here = tmp_path / "clips"
    film(here / "Anna laughs.mp4")
    film(here / "more/ben.avi", first=1)
    film(here / ".hidden.mp4")
    text(here / "notes.mp4", "no film")
    return here


def trace(folder: Path, annotator: str, film: str, path: Path, *points: tuple[int, float | None, float | None]) -> None:
    sweeps = Sweeps(folder / annotator / "films.jsonl", annotator)
    sweeps.sweep(film, [list(point) for point in points], cut_of([file_sha256(path)]), FRAMES)
    sweeps.close()


def labels(folder: Path, dimension: str, name: str) -> list[str]:
    return (folder / f"annotations/train/{dimension}/{name}.txt").read_text().splitlines()


def test_what_was_traced_is_a_data_set(clips: Path, tmp_path: Path) -> None:
    """A mean of two annotators, a frame that nobody traced, and one of which only valence is known."""
    traces, out = tmp_path / "traces", tmp_path / "mine"
    anna = clips / "Anna laughs.mp4"
    trace(traces, "one", "Anna laughs.mp4", anna, *((frame, 0.5, -0.25) for frame in range(1, 5)), (5, 1, None))
    trace(traces, "two", "Anna laughs.mp4", anna, (1, 0.25, -0.75))
    trace(traces, "two", "more/ben.avi", clips / "more/ben.avi", *((f, f / 10, -f / 10) for f in range(1, FRAMES + 1)))
    merged = merge_films(traces, clips, out, WISHES)
    assert merged == [Merged("Anna laughs.mp4", FRAMES, 1), Merged("ben.avi", FRAMES, 0)]
    assert labels(out, "valence", "Anna laughs") == ["0.375", "0.5", "0.5", "0.5", "1", "-5"]
    assert labels(out, "arousal", "Anna laughs") == ["-0.5", "-0.25", "-0.25", "-0.25", "-5", "-5"]
    assert (out / "videos/train/ben.avi").resolve() == clips / "more/ben.avi"
    dataset = get_dataset("affwild", out, "all")
    samples = list(dataset.samples())
    assert len(samples) == 2 * FRAMES - 1 and dataset.left_out == {"frame without labels": 1}
    ben = [sample for sample in samples if sample.video == "ben"]
    assert [round(sample.valence, 6) for sample in ben] == [f / 10 for f in range(1, FRAMES + 1)]
    assert [grey(sample) for sample in ben] == list(range(1, FRAMES + 1))
    assert np.isnan(samples[4].arousal) and samples[4].valence == 1
    with (out / "annotators.csv").open(newline="") as stream:
        rows = [(row["dimension"], row["annotator"], row["frames"]) for row in csv.DictReader(stream)]
    assert rows[:2] == [("valence", "one", "5"), ("valence", "two", str(1 + FRAMES))]
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    merge_films(traces, clips, out, WISHES)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_traces_of_other_tools_are_found_by_the_film(clips: Path, tmp_path: Path) -> None:
    traces = tmp_path / "traces"
    for dimension in ("valence", "arousal"):
        text(traces / f"carla/ben_{dimension}.txt", *(0.1 for _ in range(FRAMES)))
    text(traces / "dora/ben.csv", "frame,valence,arousal", "2,0.3,-0.3")
    merge_films(traces, clips, tmp_path / "mine", WISHES)
    assert labels(tmp_path / "mine", "valence", "ben") == ["0.1", "0.2", "0.1", "0.1", "0.1", "0.1"]
    text(traces / "carla/ben_valence.txt", *(0.1 for _ in range(FRAMES + 1)))
    with pytest.raises(UserError, match=r"has 7 values but ben\.avi has 6 frames"):
        merge_films(traces, clips, tmp_path / "mine", WISHES)


def test_a_film_that_is_another_now_is_refused(clips: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", clips / "more/ben.avi", (1, 0, 0))
    film(clips / "more/ben.avi", first=0)
    with pytest.raises(UserError, match=r"traces other pictures than ben\.avi has now"):
        merge_films(tmp_path / "traces", clips, tmp_path / "mine", WISHES)
    assert not (tmp_path / "mine").exists()


def test_mistakes_are_one_sentence(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(traces: Path, films: Path) -> str:
        with pytest.raises(SystemExit) as caught:
            main(["merge-films", str(traces), "--films", str(films), "--out", str(tmp_path / "mine")])
        assert caught.value.code == 1
        return capsys.readouterr().err

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "holds no trace" in said(empty, clips)
    assert "holds no film" in said(empty, empty)
    assert "is no folder" in said(empty, tmp_path / "nowhere")
    text(tmp_path / "traces/eva_valence.txt", 0.1)
    assert "eva_valence.txt is not named after a film; known are Anna laughs.mp4, ben.avi" in said(
        tmp_path / "traces", clips
    )
    (tmp_path / "traces/eva_valence.txt").unlink()
    line = {"kind": "sweep", "film": "eva.mp4", "cut": "0", "points": [[1, 0, 0]]}
    first = {"affectflow-annotation": 1, "of": "films", "annotator": "eva"}
    text(tmp_path / "traces/eva/films.jsonl", json.dumps(first), json.dumps(line))
    assert "films.jsonl traces the film 'eva.mp4'" in said(tmp_path / "traces", clips)
    film(clips / "other/BEN.mp4")
    assert "have one name" in said(tmp_path / "traces", clips)


def test_another_film_is_not_overwritten(clips: Path, tmp_path: Path) -> None:
    trace(tmp_path / "traces", "one", "more/ben.avi", clips / "more/ben.avi", (1, 0, 0))
    other = film(tmp_path / "mine/videos/train/ben.avi", first=2)
    before = other.read_bytes()
    with pytest.raises(UserError, match="is another film than"):
        merge_films(tmp_path / "traces", clips, tmp_path / "mine", WISHES)
    assert other.read_bytes() == before


def test_labels_may_lie_beside_the_films(clips: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    path = film(root / "videos/train/001.mp4")
    trace(tmp_path / "traces", "one", "001.mp4", path, *((f, 0.5, 0.5) for f in range(1, FRAMES + 1)))
    merge_films(tmp_path / "traces", root / "videos/train", root, WISHES)
    assert path.is_file() and not path.is_symlink()
    assert len(list(get_dataset("affwild", root, "all").samples())) == FRAMES


def test_what_browsers_do_not_play_is_converted_frame_by_frame(clips: Path, tmp_path: Path) -> None:
    found = find_clips(clips)
    assert sorted(found) == ["Anna laughs.mp4", "more/ben.avi"]
    shown, times = playable(found["Anna laughs.mp4"], tmp_path / "converted.mp4")
    assert shown == found["Anna laughs.mp4"] and times == pytest.approx([f / 10 for f in range(FRAMES)])
    shown, times = playable(found["more/ben.avi"], tmp_path / "store/converted.mp4")
    assert shown == tmp_path / "store/converted.mp4" and times == pytest.approx([f / 10 for f in range(FRAMES)])
    greys = [[frame.rgb.mean() for frame in read_frames(path)] for path in (shown, found["more/ben.avi"])]
    assert np.abs(np.subtract(*greys)).max() < 3


def test_odd_sides_become_even(tmp_path: Path) -> None:
    pictures = [np.full((31, 33, 3), 40 * i, np.uint8) for i in range(5)]
    write_video(tmp_path / "odd.mp4", pictures, Fraction(10))
    frames = list(read_frames(tmp_path / "odd.mp4"))
    assert len(frames) == 5 and frames[0].rgb.shape == (32, 34, 3)
