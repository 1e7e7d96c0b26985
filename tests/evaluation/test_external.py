"""External predictions, through files on disk: a benchmark's folder and a CSV in, a score file out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.evaluation.external import read_predictions
from affectflow.evaluation.outputs import _last_answer
from affectflow.evaluation.programs import training_data
from affectflow.media.video import write_video
from tests.miniature import make_image, text

SUBJECTS = ("SN001", "SN002", "SN003", "SN004")
FRAMES = 40
UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
EIGHT = (1, 2, 4, 6, 9, 12, 25, 26)


def intensity(subject: str, unit: int, frame: int) -> int:
    """AU12 is there from frame 11 to 20, at 2; the others come and go."""
    if unit == 12:
        return 2 if 11 <= frame <= 20 else 0
    return (frame * unit + SUBJECTS.index(subject)) % 7 % 6


@pytest.fixture(scope="module")
def disfa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("disfa")
    folder = root / "Videos_LeftCamera"
    folder.mkdir()
    for subject in SUBJECTS:
        images = (np.full((32, 32, 3), 100, np.uint8) for _ in range(FRAMES))
        write_video(folder / f"LeftVideo{subject}_comp.avi", images, Fraction(20), "avi", "mpeg4")
        for unit in UNITS:
            lines = (f"{frame},{intensity(subject, unit, frame)}" for frame in range(1, FRAMES + 1))
            text(root / "ActionUnit_Labels" / subject / f"{subject}_au{unit}.txt", *lines)
    return root


def table(path: Path, level: Callable[[str, int, int], float], last: int = FRAMES) -> Path:
    """A CSV of probabilities and intensities; ``level`` gives an intensity for subject, AU and frame."""
    header = ",".join(["video", "frame", *(f"AU{u}" for u in UNITS), *(f"AU{u}_intensity" for u in UNITS)])
    lines = []
    for subject in SUBJECTS:
        for frame in range(1, last + 1):
            levels = [level(subject, unit, frame) for unit in UNITS]
            cells = [subject, frame, *(float(level >= 2) for level in levels), *levels]
            lines.append(",".join(map(str, cells)))
    return text(path, header, *lines)


def score(root: Path, predictions: Path, *options: str, benchmark: str = "disfa") -> dict[str, Any]:
    out = predictions.with_suffix(".json")
    main(["score", str(predictions), "--benchmark", benchmark, "--root", str(root), "--out", str(out), *options])
    found: dict[str, Any] = json.loads(out.read_text())
    return found


@pytest.mark.parametrize("name", ["occurrence8", "occurrence12", "landmarks8", "landmarks12"])
def test_an_oracle_scores_one(disfa: Path, tmp_path: Path, name: str) -> None:
    result = score(disfa, table(tmp_path / "oracle.csv", intensity), "--protocol", name)
    assert result["mean_f1"] == result["mean_auc"] == result["mean_accuracy"] == 1.0
    assert all(unit["kappa"] == unit["average_precision"] == 1.0 for unit in result["action_units"].values())
    assert len(result["action_units"]) == (8 if name.endswith("8") else 12)
    assert result["protocol"]["used_frames"] == len(SUBJECTS) * FRAMES
    assert result["model"] == "oracle"


def test_an_oracle_of_intensities_scores_one(disfa: Path, tmp_path: Path) -> None:
    result = score(disfa, table(tmp_path / "oracle.csv", intensity), "--protocol", "intensity12")
    assert result["mean_icc"] == result["mean_pcc"] == 1.0
    assert result["mean_mae"] == result["mean_mse"] == 0.0
    assert len(result["intensities"]) == 12


def test_a_constant_scores_the_base_rate(disfa: Path, tmp_path: Path) -> None:
    result = score(disfa, table(tmp_path / "constant.csv", lambda *_: 3))
    assert result["mean_auc"] == 0.5
    for unit in EIGHT:
        truth = [intensity(subject, unit, frame) >= 2 for subject in SUBJECTS for frame in range(1, FRAMES + 1)]
        found = result["action_units"][f"AU{unit}"]
        assert (
            found["f1"] == found["f1_always_yes"] == pytest.approx(2 * np.mean(truth) / (1 + np.mean(truth)), abs=1e-6)
        )
        assert found["kappa"] == 0


def test_shuffled_predictions_score_chance(disfa: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    result = score(disfa, table(tmp_path / "shuffled.csv", lambda *_: round(float(rng.uniform(0, 5)), 3)))
    assert result["mean_auc"] == pytest.approx(0.5, abs=0.05)  # eight AUs of 160 frames: 0.02 is one deviation


def test_a_shift_by_one_frame_costs_what_it_must(disfa: Path, tmp_path: Path) -> None:
    """Ten frames shown, ten predicted, one frame late: nine true positives, one false positive, one false negative."""
    late = table(tmp_path / "late.csv", lambda subject, unit, frame: intensity(subject, unit, max(frame - 1, 1)))
    found = score(disfa, late)["action_units"]["AU12"]
    assert (found["f1"], found["precision"], found["recall"]) == (0.9, 0.9, 0.9)
    assert found["accuracy"] == 38 / 40


def test_what_is_missing_is_counted(disfa: Path, tmp_path: Path) -> None:
    result = score(disfa, table(tmp_path / "short.csv", intensity, last=30))
    used = result["protocol"]
    assert used["left_out"] == {} and used["used_frames"] == used["all_frames"] == 4 * 40
    answered = result["answered"]
    assert (answered["frames"], answered["without"]) == (4 * 30, 4 * 10)
    assert answered["mean_f1"] == answered["mean_auc"] == 1.0 > result["mean_f1"] > 0.7
    truth = [intensity(subject, 1, frame) >= 2 for subject in SUBJECTS for frame in range(1, FRAMES + 1)]
    said = [there and i % FRAMES < 30 for i, there in enumerate(truth)]
    assert result["action_units"]["AU1"]["f1"] == pytest.approx(f1_score(truth, said), abs=1e-6)
    levels = [intensity(subject, 1, frame) for subject in SUBJECTS for frame in range(1, FRAMES + 1)]
    ranked = [level * (i % FRAMES < 30) for i, level in enumerate(levels)]
    assert result["action_units"]["AU1"]["auc"] == pytest.approx(roc_auc_score(truth, ranked), abs=1e-6)
    assert any(one.startswith("40 of 160 frames (25.0%) have no answer") for one in result["warnings"])
    longer = score(disfa, table(tmp_path / "long.csv", lambda s, u, f: intensity(s, u, min(f, FRAMES)), last=43))
    assert longer["answered"]["without"] == 0 and not any("no answer" in one for one in longer["warnings"])
    assert longer["unused_rows"] == {"prediction without a labelled frame": 4 * 3}


def test_an_empty_cell_is_not_a_prediction(disfa: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "some.csv", intensity)
    lines = path.read_text().splitlines()
    lines[1] = ",".join("" if i == 2 else cell for i, cell in enumerate(lines[1].split(",")))
    result = score(disfa, text(path, *lines))
    assert result["action_units"]["AU1"]["without_prediction"] == 1 and result["action_units"]["AU1"]["frames"] == 160
    assert result["answered"]["without"] == 0  # the frame has other answers
    assert "without_prediction" not in result["action_units"]["AU2"]


def test_openface_2(disfa: Path, tmp_path: Path) -> None:
    """One file a video, blanks in its header, frames from 1; where tracking failed nothing is said."""
    folder = tmp_path / "openface"
    for subject in SUBJECTS:
        lines = [
            "frame, face_id, timestamp, confidence, success, " + ", ".join(f"AU{u:02}_r, AU{u:02}_c" for u in UNITS)
        ]
        for frame in range(1, FRAMES + 1):
            tracked = not (subject == "SN002" and frame <= 5)
            cells = [frame, 0, frame / 20, 0.98 if tracked else 0.1, int(tracked)]
            for unit in UNITS:
                level = intensity(subject, unit, frame) if tracked else 5
                cells += [level, int(level >= 2)]
            lines.append(", ".join(map(str, cells)))
        text(folder / f"LeftVideo{subject}_comp.csv", *lines)
    result = score(disfa, folder)
    assert result["answered"]["mean_f1"] == 1.0 > result["mean_f1"] > 0.9
    assert result["answered"]["without"] == 5
    assert result["answered"]["mean_auc"] == 1.0 > result["mean_auc"]  # of the intensities
    unit = result["action_units"]["AU12"]
    assert unit["ranked_by"] == "intensity" and unit["calibration_error"] is None
    assert result["training_data"]["status"] == "trained on this set" and "wiki" in result["training_data"]["source"]
    first, third, second = result["warnings"]
    assert first.startswith("OpenFace 2 was trained on DISFA (OpenFace's wiki, Datasets")
    assert second.startswith("5 of 160 frames (3.1%) have no answer")
    assert third == (
        "OpenFace 2 writes 0 or 1 for AU1, AU2, AU4, AU6, AU9, AU12, AU25, AU26: AUC and average precision are of its "
        "intensities."
    )
    assert result["unused_rows"] == {"prediction without a face": 5}
    assert result["program"] == "OpenFace 2"
    intensities = score(disfa, folder, "--protocol", "intensity12")
    assert intensities["answered"]["mean_icc"] == 1.0 > intensities["mean_icc"] > 0.9


def test_pyfeat(disfa: Path, tmp_path: Path) -> None:
    """Frames from 0, several faces in a frame, rows without a face; no intensities."""
    lines = ["FaceRectX,FaceScore," + ",".join(f"AU{u:02}" for u in UNITS) + ",input,frame"]
    for subject in SUBJECTS:
        for frame in range(1, FRAMES + 1):
            said = [0.9 if intensity(subject, unit, frame) >= 2 else 0.2 for unit in UNITS]
            where = f"/videos/LeftVideo{subject}_comp.avi,{frame - 1}"
            rows = [[1, 0.4, *(1 - p for p in said)], [5, 0.99, *said]]
            for row in rows if frame % 2 else rows[::-1]:
                lines.append(",".join(map(str, row)) + f",{where}")
    lines[-2] = lines[-2].replace(",0.99,", ",,")
    result = score(disfa, text(tmp_path / "feat.csv", *lines))
    assert result["mean_auc"] > 0.99 and 0.97 < result["mean_f1"] < 1  # one frame is left to the face that says no
    assert result["unused_rows"] == {
        "prediction of another face in the same frame": 4 * FRAMES - 1,
        "prediction without a face": 1,
    }
    with pytest.raises(SystemExit):
        score(disfa, tmp_path / "feat.csv", "--protocol", "intensity12")


def test_pyfeat_counts_images_where_frames_would_be(tmp_path: Path) -> None:
    lines = ["FaceScore,AU01,AU12,input,frame", "0.9,0.1,0.8,/faces/a.JPG,0", "0.9,0.2,0.7,/faces/b.webp,1"]
    assert set(read_predictions(text(tmp_path / "feat.csv", *lines)).by_key) == {("/faces/a", 0), ("/faces/b", 0)}


def test_openface_3(disfa: Path, tmp_path: Path) -> None:
    """One cell of eight numbers, in the order of DISFA's eight; frames from 0, empty where there is no face."""
    folder = tmp_path / "openface3"
    for subject in SUBJECTS:
        lines = [
            "timestamp,video_path,frame_index,face_id,face_detection,landmarks,emotion,gaze_yaw,gaze_pitch,action_units"
        ]
        for frame in range(1, FRAMES + 1):
            where = f"2026-01-01,/videos/LeftVideo{subject}_comp.avi,{frame - 1}"
            said = [[1.0000001 if intensity(subject, unit, frame) >= 2 else 0.0 for unit in EIGHT]]
            lines.append(f'{where},0,"[1, 2]",,0,0.1,0.2,"{said}"' if frame > 3 else f"{where},,,,,,,")
        text(folder / f"face_analysis_LeftVideo{subject}_comp.csv", *lines)
    result = score(disfa, folder)
    assert result["answered"]["mean_f1"] == 1.0 > result["mean_f1"] and result["program"] == "OpenFace 3"
    assert result["answered"]["without"] == 12
    assert result["unused_rows"] == {"prediction without a face": 12}


def test_libreface(disfa: Path, tmp_path: Path) -> None:
    """One file a video; occurrence of its twelve AUs, intensity of DISFA's twelve; frames from 0."""
    folder = tmp_path / "libreface"
    detected = (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)
    for subject in SUBJECTS:
        names = [*(f"au_{u}" for u in detected), *(f"au_{u}_intensity" for u in UNITS)]
        lines = [",".join(["frame_idx", "frame_time_in_ms", "pitch", *names, "facial_expression"])]
        for frame in range(1, FRAMES + 1):
            levels = [intensity(subject, u, frame) if u in UNITS else 0 for u in detected]
            cells = [frame - 1, 50 * frame, 0.1, *(int(level >= 2) for level in levels)]
            cells += [float(intensity(subject, u, frame)) for u in UNITS]
            lines.append(",".join(map(str, cells)) + ",Neutral")
        text(folder / f"{subject}.csv", *lines)
    result = score(disfa, folder)
    assert result["mean_f1"] == 1.0 and result["program"] == "LibreFace"
    assert list(result["action_units"]) == ["AU1", "AU2", "AU4", "AU6", "AU12"]
    assert result["unsupported"] == ["AU9", "AU25", "AU26"]
    assert score(disfa, folder, "--protocol", "intensity12")["mean_icc"] == 1.0


@pytest.mark.parametrize("first", [0, 1])
def test_frames_are_counted_from_the_first_number(
    disfa: Path, tmp_path: Path, first: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A frame 0 in any file says from where all are counted, also where a file begins later."""
    folder = tmp_path / "predictions"
    for subject in SUBJECTS:
        lines = ["video,frame,AU12"]
        for frame in range(1 if subject != "SN003" else 5, FRAMES + 1):
            lines.append(f"{subject},{frame - 1 + first},{float(intensity(subject, 12, frame) >= 2)}")
        text(folder / f"{subject}.csv", *lines)
    result = score(disfa, folder)
    assert result["action_units"]["AU12"]["f1"] == 1.0
    assert result["answered"]["without"] == 4
    assert ("has a frame 0" in caplog.text) == (first == 0)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("AU12,AU012", "the columns 'AU12' and 'AU012' for one output"),
        ("valence,Valence", "the columns? 'valence'"),
        ("AU1_intensity,AU01_Intensity", "for one output"),
    ],
)
def test_two_columns_of_one_output_are_refused(
    disfa: Path, tmp_path: Path, names: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        score(disfa, text(tmp_path / "twice.csv", f"video,frame,{names}", "SN001,1,0.1,0.9"))
    assert re.search(said, capsys.readouterr().err)


def test_columns_that_are_not_used_and_aus_that_are_missing_are_named(
    disfa: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [f"{s},{f},{float(intensity(s, 1, f) >= 2)},1,1" for s in SUBJECTS for f in range(1, FRAMES + 1)]
    result = score(disfa, text(tmp_path / "some.csv", "video,frame,AU1,AU12_prob,AU12L", *lines))
    assert "has columns that are not used: AU12_prob, AU12L" in caplog.text
    assert any("predicts no AU2, AU4, AU6, AU9, AU12, AU25, AU26" in one for one in result["warnings"])


def test_a_table_of_predict_may_begin_at_0(disfa: Path, tmp_path: Path) -> None:
    lines = ["source,frame,face,crop,problem," + ",".join(f"AU{u}" for u in EIGHT)]
    for subject in SUBJECTS:
        for frame in range(1, FRAMES + 1):
            said = (str(0.9 * (intensity(subject, unit, frame) >= 2)) for unit in EIGHT)
            lines.append(f"LeftVideo{subject}_comp.avi,{frame - 1},1,face,," + ",".join(said))
    assert score(disfa, text(tmp_path / "zero.csv", *lines))["mean_f1"] == 1.0


def test_openface_as_a_spreadsheet_program_saves_it(disfa: Path, tmp_path: Path) -> None:
    folder = tmp_path / "openface"
    for subject in SUBJECTS:
        lines = ["frame;timestamp;confidence;success;" + ";".join(f"AU{u:02}_c" for u in UNITS)]
        for frame in range(1, FRAMES + 1):
            said = (str(int(intensity(subject, unit, frame) >= 2)) for unit in UNITS)
            lines.append(f"{frame};{frame / 20};0.98;1;".replace(".", ",") + ";".join(said))
        text(folder / f"{subject}.csv", *lines)
    assert score(disfa, folder)["mean_f1"] == 1.0


def test_two_programs_are_compared(disfa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    good = table(tmp_path / "good.csv", lambda s, u, f: float(np.clip(intensity(s, u, f) + rng.normal(0, 0.8), 0, 5)))
    bad = table(tmp_path / "bad.csv", lambda s, u, f: float(np.clip(intensity(s, u, f) + rng.normal(0, 2.5), 0, 5)))
    main(["compare", str(good), str(bad), "--benchmark", "disfa", "--root", str(disfa), "--out", str(tmp_path / "o")])
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "o").read_text())
    one, other = score(disfa, good), score(disfa, bad)
    assert found["mean_f1"]["difference"] == pytest.approx(one["mean_f1"] - other["mean_f1"], abs=2e-6)
    assert found["mean_f1"]["interval"][0] > 0 and "disfa: good minus bad" in said and "by Holm" in said
    capsys.readouterr()
    main(["compare", str(good), str(bad), "--benchmark", "disfa", "--root", str(disfa)])
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    ("first", "second", "said"), [("a.csv", "a.csv", "Both are"), ("a.csv", "no.csv", "no.csv does not exist")]
)
def test_mistakes_of_comparing(
    disfa: Path, tmp_path: Path, first: str, second: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table(tmp_path / "a.csv", intensity)
    words = [str(tmp_path / first), str(tmp_path / second), "--benchmark", "disfa", "--root", str(disfa)]
    with pytest.raises(SystemExit):
        main(["compare", *words])
    assert said in capsys.readouterr().err


def test_decisions_are_not_ranked(disfa: Path, tmp_path: Path) -> None:
    lines = ["video,frame,AU1,AU12"]
    for subject in SUBJECTS:
        for frame in range(1, FRAMES + 1):
            lines.append(f"{subject},{frame},{int(frame % 3 == 0)},{0.9 if intensity(subject, 12, frame) else 0.2}")
    result = score(disfa, text(tmp_path / "decisions.csv", *lines))
    one, other = result["action_units"]["AU1"], result["action_units"]["AU12"]
    assert one["auc"] is one["average_precision"] is one["calibration_error"] is None and one["f1"] is not None
    assert one["ranked_by"] == "nothing" and "ranked_by" not in other
    assert result["mean_auc"] == other["auc"] == 1.0 and result["mean_of"]["mean_auc"] == 1
    assert result["mean_of"]["mean_f1"] == 2
    assert any("0 or 1 for AU1: AUC and average precision are left out" in one for one in result["warnings"])
    assert result["training_data"] == {"status": "unknown", "source": None}


def test_who_answers_easy_frames_only_gains_nothing(disfa: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)

    def noisy(subject: str, unit: int, frame: int) -> float:
        return float(np.clip(intensity(subject, unit, frame) + rng.normal(0, 1.5), 0, 5))

    whole = table(tmp_path / "whole.csv", noisy)
    header, *lines = whole.read_text().splitlines()
    all_frames = score(disfa, whole)
    sure = [line for line in lines if abs(np.mean([float(cell) for cell in line.split(",")[14:]]) - 2) > 0.25]
    assert len(sure) < 0.9 * len(lines)
    easy = score(disfa, text(tmp_path / "easy.csv", header, *sure))
    assert easy["mean_f1"] < all_frames["mean_f1"]
    assert easy["answered"]["frames"] == len(sure)


def test_valence_without_an_answer_is_the_last_one(tmp_path: Path) -> None:
    values = np.array([np.nan, 0.5, np.nan, np.nan, -0.25, np.nan, np.nan, 0.75], np.float32)
    video = np.array(["a/1", "a/1", "a/1", "a/2", "a/2", "a/2", "b/2", "b/2"])
    assert _last_answer(values, video).tolist() == [0, 0.5, 0.5, 0, -0.25, -0.25, 0, 0.75]


@pytest.mark.parametrize(
    ("program", "benchmark", "status"),
    [
        ("OpenFace 2", "disfa", "trained on this set"),
        ("OpenFace 2", "amfed", "held out"),
        ("OpenFace 2", "own", "unknown"),
        ("py-feat", "affwild", "trained on this set"),
        ("a table of predictions", "disfa", "unknown"),
        ("OpenFace 2 and a table of predictions", "amfed", "unknown"),
        ("OpenFace 2 and a table of predictions", "disfa", "trained on this set"),
    ],
)
def test_what_programs_were_trained_on(program: str, benchmark: str, status: str) -> None:
    found = training_data(program, benchmark)
    assert found.status == status and (found.source is None) is (status == "unknown")


@pytest.mark.parametrize("missing", ["NaN", "NA", "nan(ind)", "-nan(ind)", "None", " ", "-"])
def test_a_missing_value_is_not_a_prediction(disfa: Path, tmp_path: Path, missing: str) -> None:
    path = table(tmp_path / "some.csv", intensity)
    lines = path.read_text().splitlines()
    lines[1] = ",".join(missing if i == 2 else cell for i, cell in enumerate(lines[1].split(",")))
    assert score(disfa, text(path, *lines))["action_units"]["AU1"]["without_prediction"] == 1


def test_a_value_outside_its_range_is_clipped_and_counted(disfa: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "wide.csv", intensity)
    lines = path.read_text().splitlines()
    lines[1] = ",".join("-0.01" if i == 2 else "1.5" if i == 3 else cell for i, cell in enumerate(lines[1].split(",")))
    assert score(disfa, text(path, *lines))["unused_rows"] == {"value outside its range, which was clipped": 2}
    found = read_predictions(path).by_key["sn001", 1].probabilities
    assert (found[0], found[1]) == (0.0, 1.0)


def test_predictions_as_excel_writes_them(disfa: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "oracle.csv", intensity)
    lines = [line.replace(",", ";") for line in path.read_text().splitlines()]
    lines = [lines[0], *(re.sub(r"(\d)\.(\d)", r"\1,\2", line) for line in lines[1:])]
    path.write_bytes("\r\n".join(lines).encode("utf-16"))
    assert score(disfa, path)["mean_f1"] == 1.0


def test_openface_2_of_images(tmp_path: Path) -> None:
    """One file an image with a row for each face, no frame and no success."""
    header = "face, confidence, gaze_0_x, AU01_r, AU12_r, AU01_c, AU12_c"
    text(tmp_path / "photo_1.csv", header, "0, 0.90, 0.1, 1.20, 0.00, 1.00, 0.00", "1, 0.98, 0.1, 0.5, 3.0, 0, 1")
    found = read_predictions(tmp_path)
    assert found.program == "OpenFace 2" and set(found.by_key) == {("photo_1", 0)}
    assert found.by_key["photo_1", 0].probabilities[11] == 1 and found.by_key["photo_1", 0].intensities[11] == 3
    assert found.left_out == {"prediction of another face in the same frame": 1}


def test_libreface_of_images(tmp_path: Path) -> None:
    header = ",input_image_path,aligned_image_path,facial_expression,au_1,au_12,au_1_intensity"
    path = text(tmp_path / "image_results.csv", header, "0,photos/a.jpg,tmp/a.png,Happiness,0,1,0.5")
    found = read_predictions(path)
    assert found.program == "LibreFace" and set(found.by_key) == {("photos/a", 0)}
    assert found.by_key["photos/a", 0].probabilities[11] == 1


def test_pyfeats_valence_and_arousal(tmp_path: Path) -> None:
    lines = ["FaceScore,AU01,valence,arousal,input,frame", "0.9,0.1,0.25,-0.5,/videos/a.mp4,0"]
    found = read_predictions(text(tmp_path / "feat.csv", *lines)).by_key["/videos/a", 1]
    assert (found.valence, found.arousal) == (0.25, -0.5)


@pytest.mark.parametrize(
    "written",
    ["{}.avi", "C:\\videos\\{}.avi", "/data/videos/{}.AVI", "videos/{}_x/../{}", "./{}"],
    ids=["extension", "Windows", "absolute", "up and down", "dot"],
)
def test_names_of_videos_as_others_write_them(disfa: Path, tmp_path: Path, written: str) -> None:
    path = table(tmp_path / "oracle.csv", intensity)
    lines = path.read_text().splitlines()
    renamed = [line.replace(line[:5], written.format(line[:5].lower(), line[:5].lower()), 1) for line in lines[1:]]
    assert score(disfa, text(path, lines[0], *renamed))["mean_f1"] == 1.0


def test_a_video_without_predictions_is_named_with_the_nearest(
    disfa: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = table(tmp_path / "oracle.csv", intensity)
    score(disfa, text(path, *(line.replace("SN003", "SN03") for line in path.read_text().splitlines())))
    assert "40 frames have no prediction, the first of them of" in caplog.text
    assert "the most similar name there is 'sn0" in caplog.text


def test_a_file_that_is_not_read_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text(tmp_path / "a.csv", "video,frame,AU1", "SN001,1,0")
    text(tmp_path / "a.xlsx", "x")
    read_predictions(tmp_path)
    assert "not read, since they are not tables: a.xlsx" in caplog.text


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["a,b", "1,2"], "begins with 'a,b'; expected a header with columns video and frame"),
        (["frame,AU1", "1,1"], "has the columns frame, AU1 …; expected columns video and frame"),
        (["video,frame", "SN001,1"], "has no column of action units"),
        (["video,frame,AU1", "SN001,1,yes"], "line 2: AU1 is 'yes', not a number"),
        (["video,frame,AU1", "SN001,one,1"], "line 2: the frame or the face cannot be read"),
        (["video,frame,AU1", "SN001,1"], "line 2, has 2 cells, but the header has 3"),
        (["frame,success,AU01_c", "inf,1,1"], "line 2: the frame or the face cannot be read"),
        (["video,frame,AU1", "SN001,1,0", "sn001.avi,1,1"], "line 3: frame 1 of 'sn001.avi' occurs twice"),
        (["video,frame,AU1", "SN001,-1,0"], "line 2: the frame or the face cannot be read"),
        (["video,frame,AU1", '"SN001,1,0', "SN002,1,0"], "line 2, is not CSV"),
        (["video;frame;AU1", "SN001;1;0,5;1"], "line 2, has 4 cells, but the header has 3"),
        (["video,frame,AU1,AU1", "SN001,1,0,1"], "has the column 'AU1' twice"),
        (["video,frame,AU1", "SN099,1,0"], "No prediction is of a frame of disfa; they are of sn099"),
        (["video,frame,AU7", "SN001,1,0"], "predicts none of the labels of disfa"),
        (["video,frame,AU1", "\xff"], "is not UTF-8 text"),
        (["image_path,face_id,action_units", 'a.jpg,0,"[1, 0]"'], "line 2: the frame or the face cannot be read"),
        (["image_path,face_id,action_units", "a.jpg,0,nothing"], "line 2: the frame or the face cannot be read"),
        ([], "is empty; expected a header with columns video"),
    ],
)
def test_mistakes(
    disfa: Path, tmp_path: Path, lines: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes("\n".join(lines).encode("latin-1"))
    with pytest.raises(SystemExit):
        score(disfa, path)
    said = capsys.readouterr().err
    assert sentence in said and len(said.strip().splitlines()) == 1
    assert not path.with_suffix(".json").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing.csv", "--benchmark", "disfa"), "nothing.csv does not exist"),
        (("x.csv", "--benchmark", "faces"), "There is no benchmark 'faces'"),
        (("x.csv", "--benchmark", "disfa", "--protocol", "y"), "disfa has no protocol 'y'"),
    ],
)
def test_mistaken_arguments(
    disfa: Path, tmp_path: Path, arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["score", *arguments, "--root", str(disfa), "--out", str(tmp_path / "o.json")])
    assert sentence in capsys.readouterr().err


def test_an_empty_folder_is_an_error(disfa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        score(disfa, tmp_path)
    assert "holds no .csv file" in capsys.readouterr().err


@pytest.fixture
def affwild2(tmp_path: Path) -> Path:
    """Four labelled frames of a video."""
    root = tmp_path / "affwild2"
    header = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"
    text(root / "EXPR_Set/Validation_Set/7.txt", header, "0", "4", "4", "7")
    for frame in range(1, 5):
        make_image(root / f"cropped_aligned/7/{frame:05d}.jpg", frame)
    return root


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("video,frame,expression", ("7,1,Neutral", "7,2,happy", "7,3,5", "7,4,contempt")),
        ("source,face,crop,problem,frame,emotion", tuple(f"7.mp4,1,face,,{n},{name}" for n, name in enumerate(
            ("Neutral", "Happiness", "Sadness", "Sadness"), start=1))),
        ("FaceScore,input,frame,neutral,happiness,sadness", (
            "0.9,7.mp4,0,0.8,0.1,0.1", "0.9,7.mp4,1,0.1,0.8,0.1", "0.9,7.mp4,2,0.1,0.1,0.8", "0.9,7.mp4,3,0.3,0.2,0.5")),
        ("frame_idx,frame_time_in_ms,au_1,facial_expression", (
            "0,0,0,Neutral", "1,40,0,Happiness", "2,80,0,Sadness", "3,120,0,Sadness")),
    ],
    ids=["own", "affectflow predict", "py-feat", "libreface"],
)  # fmt: skip
def test_expressions_that_a_program_names(tmp_path: Path, affwild2: Path, header: str, rows: tuple[str, ...]) -> None:
    text(tmp_path / "7.csv", header, *rows)
    result = score(affwild2, tmp_path / "7.csv", "--protocol", "expr", benchmark="affwild2")
    scored = result["action_units"]
    assert scored["Happiness"]["scored_by"] == "expression" and scored["Neutral"]["f1"] == 1
    assert (scored["Happiness"]["precision"], scored["Happiness"]["recall"]) == (1, 0.5)
    assert result["mean_of"]["mean_f1"] == 3 and "AU1" not in scored


def test_a_word_that_is_no_expression_is_named(tmp_path: Path, affwild2: Path) -> None:
    text(tmp_path / "7.csv", "video,frame,expression", "7,1,Neutral", "7,2,bored")
    with pytest.raises(UserError, match=r"7\.csv, line 3: 'bored' is not an expression; give Neutral, Anger"):
        read_predictions(tmp_path / "7.csv")


def test_values_on_another_scale_are_warned_of(disfa: Path, tmp_path: Path) -> None:
    result = score(disfa, table(tmp_path / "percent.csv", lambda s, u, f: 20 * intensity(s, u, f)))
    assert any("values lie outside their range and were clipped" in one for one in result["warnings"])


NAMES = ("SN001", "LeftVideoSN001_comp.avi")


def test_two_files_of_one_video_are_named(disfa: Path, tmp_path: Path) -> None:
    rows = ("video,frame,AU1", *(f"{name},{frame},0.5" for name in NAMES for frame in (1, 2)))
    text(tmp_path / "both.csv", *rows)
    with pytest.raises(SystemExit):
        score(disfa, tmp_path / "both.csv")
