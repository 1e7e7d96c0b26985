"""``affectflow inspect``: what is there and what is wrong, without decoding anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow.cli import main
from affectflow.datasets.disfa_labels import UNITS
from affectflow.inspection.survey import survey
from tests.miniature import FRAMES, make_image, make_video, text

AFFWILD = ("valence", "arousal")


def disfa(root: Path) -> None:
    for subject in ("SN001", "SN002"):
        make_video(root / f"Videos_LeftCamera/LeftVideo{subject}_comp.avi")
        for unit in UNITS:
            lines = (f"{i},{i % 6}" for i in range(1, FRAMES + 1))
            text(root / f"ActionUnit_Labels/{subject}/{subject}_au{unit}.txt", *lines)


def amfed(root: Path) -> None:
    make_video(root / "Video - AVI/a.avi")
    text(root / "AU Labels/a-label.csv", "Time,Smile,AU02,Trackerfail", "0.1,100,20,0", "0.3,0,100,0", "0.4,0,0,60")


def affwild(root: Path) -> None:
    make_video(root / "videos/train/1.mp4")
    for dimension in AFFWILD:
        text(root / f"annotations/train/{dimension}/1.txt", 0.5, 0, -1, 1, -0.5, 0.25)


def affwild2(root: Path) -> None:
    text(root / "VA_Set/Training_Set/7.txt", "valence,arousal", "0.1,-1", "-5,-5")
    for i in (1, 2, 3):
        make_image(root / f"cropped_aligned/7/{i:05d}.jpg", i)


def disfaplus(root: Path) -> None:
    make_image(root / "SN001/A1_AU5_TrailNo_1/000.jpg", 0)
    text(root / "SN001/A1_AU5_TrailNo_1/AU5.txt", "", "", "000.jpg 4", "001.jpg 0")


def own(root: Path) -> None:
    make_image(root / "1.png", 0)
    text(root / "labels.csv", "image,AU12,valence,subject", "1.png,1,0.5,anna", "2.png,0,,anna")


def inspect(root: Path, capsys: pytest.CaptureFixture[str], status: int = 0) -> list[str]:
    if status:
        with pytest.raises(SystemExit) as caught:
            main(["inspect", str(root)])
        assert caught.value.code == status
    else:
        main(["inspect", str(root)])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return [*out.splitlines(), *err.splitlines()[-1:]]


@pytest.mark.parametrize(
    "make, lines",
    [
        (
            disfa,
            ["2 subjects, 2 videos, 12 labelled images"]
            + [
                f"  {name}  " + ", ".join(f"intensity {i} 2" for i in range(6)) for name in (f"AU{u:<2}" for u in UNITS)
            ],
        ),
        (
            amfed,
            [
                "1 videos, 5 labelled images",
                "  AU2    absent 2, present 1",
                "  Smile  absent 3, present 2",
                "left out: 1 x frame before the first label",
            ],
        ),
        (
            affwild,
            ["1 videos, 6 labelled images"]
            + [f"  {name}  negative 2, positive 3, zero 1" for name in ("valence", "arousal")],
        ),
        (
            affwild2,
            [
                "1 videos, 1 labelled images",
                "  valence  positive 1",
                "  arousal  negative 1",
                "left out: 1 x image without labels",
                "left out: 1 x image without labels (-5, -1)",
            ],
        ),
        (
            disfaplus,
            [
                "1 subjects, 1 videos, 1 labelled images",
                "  AU5  intensity 4 1",
                "left out: 1 x label without an image",
            ],
        ),
        (
            own,
            [
                "1 subjects, 1 labelled images",
                "  AU12     present 1",
                "  valence  positive 1",
                "left out: 1 x label without an image",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_set_is_told_by_its_layout_and_counted(
    tmp_path: Path, make: object, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(make)
    make(tmp_path)
    assert inspect(tmp_path, capsys) == [f"{tmp_path} is {make.__name__}", *lines]


def test_problems_are_told_by_file_and_line_and_hide_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disfa(tmp_path)
    text(tmp_path / "ActionUnit_Labels/SN001/SN001_au1.txt", "1,0", "2,9")
    make_video(tmp_path / "Videos_LeftCamera/LeftVideoSN003_comp.avi")
    (tmp_path / "ActionUnit_Labels/SN003").mkdir()
    said = inspect(tmp_path, capsys, status=1)
    assert said[1] == "1 subjects, 1 videos, 6 labelled images"
    problems = [line for line in said if line.startswith("problem: ")]
    assert "SN001_au1.txt, line 2" in problems[0] and "SN003" in problems[1] and len(problems) == 2
    assert said[-1].startswith("affectflow: ") and "2 problems" in said[-1]


def test_a_truncated_video_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affwild(tmp_path)
    video = tmp_path / "videos/train/1.mp4"
    video.write_bytes(video.read_bytes()[:600])
    assert any("1.mp4" in line for line in inspect(tmp_path, capsys, status=1))


def test_tables_are_counted_as_the_workflow_will_read_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    zeros = ",".join(["0"] * 59)
    rows = [f"http://a/{i % 30}.jpg,{int(i < 10)},{zeros}" for i in range(120)]
    table = text(tmp_path / "t.csv", *rows, f"http://b/,7,{zeros}", "," * 60)
    said = inspect(table, capsys, status=1)
    assert "was read as text" in caplog.text
    assert "120 labelled images" in said and "  AU1   absent 110, present 10" in said
    assert "left out: 1 x empty row" in said
    assert "left out: 90 x row with a URL that another row has" in said
    assert "  AU1     8.3 % (5.9 %)" in said
    assert any("t.csv, row 121: AU 1 is '7'" in line for line in said)


def test_what_is_nothing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        (said,) = inspect(path, capsys, status=1)
        assert said.startswith("affectflow: ")


def test_nothing_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disfa(tmp_path / "videos")
    own(tmp_path / "images")
    monkeypatch.setattr("affectflow.media.video.read_frames", None)
    monkeypatch.setattr("affectflow.datasets.media.decode_rgb", None)
    assert survey("disfa", tmp_path / "videos").images == 2 * FRAMES
    assert survey("own", tmp_path / "images").images == 1
