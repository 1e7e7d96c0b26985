"""Scores by condition, against scores of the chosen frames alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from affectflow import facs
from affectflow.contracts.score import ScoreFile
from affectflow.core.errors import UserError
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import protocol
from affectflow.evaluation.score import score
from affectflow.evaluation.subjects import read_subjects
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.conditions import condition_panels
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from tests.model_json import model_json

AUS = (1, 12)
PEOPLE, EACH = 20, 30
Row = dict[str, Any]


def frames(change: Callable[[int, int, Row], None] = lambda *_: None, people: int = PEOPLE) -> list[Row]:
    """Frames whose probability is right but for noise; ``change(person, frame, row)`` may do more."""
    rng = np.random.default_rng(3)
    rows = []
    for person in range(people):
        for frame in range(EACH):
            units, probabilities = np.full(facs.COUNT, -1, np.int8), np.full(facs.COUNT, np.nan, np.float32)
            for unit in AUS:
                units[unit - 1] = rng.random() < 0.4
                probabilities[unit - 1] = np.clip(0.3 + 0.4 * units[unit - 1] + rng.normal(0, 0.15), 0, 1)
            row = {
                **{
                    "source": f"{person}/{frame}",
                    "group": f"p{person}",
                    "subject": f"p{person}",
                    "video": f"v{person}",
                },
                **{"frame": frame, "time": frame / 20, "units": units, "intensities": [float("nan")] * facs.COUNT},
                **{"valence": float("nan"), "arousal": float("nan"), "other": [], "probabilities": probabilities},
                **{"predicted_intensities": [float("nan")] * facs.COUNT, "predicted_valence": float("nan")},
                **{"predicted_arousal": float("nan"), "crop": "face"},
                **{"face_size": 120.0, "yaw": 0.0, "brightness": 100.0, "sharpness": 50.0},
            }
            change(person, frame, row)
            rows.append(row)
    return rows


def scored(folder: Path, rows: list[Row], subjects: Path | None = None) -> dict[str, Any]:
    write_parquet(folder / "p.parquet", PREDICTIONS_SCHEMA, rows)
    write_csv(folder / "left_out.csv", ("reason", "count"), [])
    (folder / "model.keras").write_bytes(b"weights")
    model_json(folder / "model.json", thresholds={}, validation_thresholds={})
    files = (folder / name for name in ("p.parquet", "left_out.csv", "model.json", "model.keras"))
    out = folder / "score.json"
    score(protocol("disfa"), "m", [RunPredictions.of_run("m", *files)], None, "c", "d", out, subjects)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def turn(person: int, frame: int, row: Row) -> None:
    """Turn the head in every third frame, and let the model fail there."""
    if frame % 3 == 0:
        row["yaw"] = -35.0 if frame % 2 else 40.0
        row["probabilities"] = np.where(np.isnan(row["probabilities"]), np.nan, 0.5 + 0.01 * ((frame * 7) % 11 - 5))


def test_a_group_has_the_scores_of_its_frames_alone(tmp_path: Path) -> None:
    rows = frames(turn)
    yaw = scored(tmp_path, rows)["conditions"]["yaw"]
    assert yaw["reference"] == "below 15 degrees" and yaw["unknown_frames"] == 0
    groups = yaw["groups"]
    assert {name: group["frames"] for name, group in groups.items()} == {
        "below 15 degrees": PEOPLE * 20,
        "from 30 degrees": PEOPLE * 10,
    }
    for name, turned in (("below 15 degrees", False), ("from 30 degrees", True)):
        chosen = [row for row in rows if (abs(row["yaw"]) > 15) == turned]
        truth = np.array([row["units"] for row in chosen]) == 1
        probability = np.array([row["probabilities"] for row in chosen], np.float32)
        f1 = [f1_score(truth[:, unit - 1], probability[:, unit - 1] >= 0.5) for unit in AUS]
        auc = [roc_auc_score(truth[:, unit - 1], probability[:, unit - 1]) for unit in AUS]
        assert groups[name]["mean_f1"] == pytest.approx(np.mean(f1), abs=1e-6)
        assert groups[name]["mean_auc"] == pytest.approx(np.mean(auc), abs=1e-6)
        assert groups[name]["subjects"] == PEOPLE and groups[name]["mean_of"]["mean_f1"] == len(AUS)
        low, high = groups[name]["intervals"]["mean_auc"]
        assert low < groups[name]["mean_auc"] < high
    difference = groups["from 30 degrees"]["difference"]
    expected = groups["from 30 degrees"]["mean_auc"] - groups["below 15 degrees"]["mean_auc"]
    assert difference["mean_auc"] == pytest.approx(expected, abs=2e-6)
    assert difference["intervals"]["mean_auc"][1] < 0
    assert "difference" not in groups["below 15 degrees"]


def test_arousal_alone_has_a_panel(tmp_path: Path) -> None:
    def aroused(person: int, frame: int, row: Row) -> None:
        row |= {"arousal": np.sin(frame / 5), "predicted_arousal": np.sin(frame / 5) * (1 if frame % 2 else -1)}
        row |= {"yaw": 40.0 * (frame % 2), "units": [-1] * 60}

    write_parquet(tmp_path / "p.parquet", PREDICTIONS_SCHEMA, frames(aroused))
    write_csv(tmp_path / "left_out.csv", ("reason", "count"), [])
    (tmp_path / "model.keras").touch()
    model_json(tmp_path / "model.json", thresholds={}, validation_thresholds={})
    files = (tmp_path / name for name in ("p.parquet", "left_out.csv", "model.json", "model.keras"))
    out = tmp_path / "score.json"
    score(protocol("own"), "m", [RunPredictions.of_run("m", *files)], None, "c", "d", out)
    chart, _ = condition_panels(ScoreFile.read(out))
    assert chart.look_for.startswith("arousal CCC is in no group lower")


def test_conditions_that_do_not_differ_are_left_out(tmp_path: Path) -> None:
    assert scored(tmp_path, frames())["conditions"] == {}


def test_a_group_of_fewer_than_eight_people_has_no_scores(tmp_path: Path) -> None:
    def lose(person: int, frame: int, row: Row) -> None:
        if person < 7:
            row |= {"crop": "center", "yaw": float("nan"), "face_size": float("nan")}

    found = scored(tmp_path, frames(lose))["conditions"]
    assert list(found) == ["crop"]
    assert found["crop"]["groups"]["no face, center of the image"] == {"frames": 7 * EACH, "subjects": 7}
    assert "mean_f1" in found["crop"]["groups"]["face found"]


def test_frames_are_divided_into_thirds_by_brightness_and_the_unknown_are_counted(tmp_path: Path) -> None:
    def light(person: int, frame: int, row: Row) -> None:
        row["brightness"] = float("nan") if frame == 0 else 10.0 * frame

    brightness = scored(tmp_path, frames(light))["conditions"]["brightness"]
    assert brightness["unknown_frames"] == PEOPLE
    names, counts = zip(*((name, group["frames"]) for name, group in brightness["groups"].items()), strict=True)
    assert names == ("dark, below 100", "medium, 100 to 200", "bright, from 200")
    assert counts == (9 * PEOPLE, 10 * PEOPLE, 10 * PEOPLE)


def test_labels_of_the_pose_are_conditions(tmp_path: Path) -> None:
    def pose(person: int, frame: int, row: Row) -> None:
        if frame:
            row["units"][[50, 51]] = (frame % 2, 0)

    found = scored(tmp_path, frames(pose))["conditions"]["head turned left or right (labelled)"]
    assert {name: group["frames"] for name, group in found["groups"].items()} == {"no": 14 * PEOPLE, "yes": 15 * PEOPLE}
    assert found["unknown_frames"] == PEOPLE


def table(folder: Path, text: str) -> Path:
    path = folder / "subjects.csv"
    path.write_text(text)
    return path


def test_a_table_of_subjects_groups_people(tmp_path: Path) -> None:
    lines = [f"P{n},{'F' if n % 2 else 'm'},{20 + n}" for n in range(PEOPLE - 1)]
    path = table(tmp_path, "\n".join(["Subject,gender,age", *lines]) + "\n")
    found = scored(tmp_path, frames(), path)["conditions"]
    assert {name: group["subjects"] for name, group in found["gender"]["groups"].items()} == {"F": 9, "m": 10}
    assert found["gender"]["unknown_frames"] == EACH
    ages = {name: group["subjects"] for name, group in found["age"]["groups"].items()}
    assert ages == {"lower third, 20 to 26": 7, "middle third, 27 to 32": 6, "upper third, 33 to 38": 6}
    assert all("mean_f1" not in group for group in found["age"]["groups"].values())


def test_videos_are_found_without_their_suffix(tmp_path: Path) -> None:
    rows = frames(lambda person, frame, row: row.update(video=f"Left{person}_comp.avi"))
    path = table(tmp_path, "video,sex\n" + "".join(f"left{n}_comp.mp4,{'fm'[n % 2]}\n" for n in range(PEOPLE)))
    groups = scored(tmp_path, rows, path)["conditions"]["sex"]["groups"]
    assert {name: group["subjects"] for name, group in groups.items()} == {"f": 10, "m": 10}


def test_a_difference_is_over_the_labels_that_count_in_both_groups(tmp_path: Path) -> None:
    """AU12 never occurs in one group, so that its mean is of AU1 alone."""

    def half(person: int, frame: int, row: Row) -> None:
        row["face_size"] = 30.0 if person % 2 else 150.0
        if person % 2:
            row["units"][11] = 0

    groups = scored(tmp_path, frames(half))["conditions"]["face_size"]["groups"]
    small, large = groups["below 50 px"], groups["100 to 200 px"]
    other, one = (small, large) if "difference" in large else (large, small)
    assert small["mean_of"]["mean_f1"] == 1 and large["mean_of"]["mean_f1"] == 2
    assert one["difference"]["mean_of"]["mean_f1"] == 1
    assert one["difference"]["mean_f1"] != pytest.approx(one["mean_f1"] - other["mean_f1"], abs=1e-4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,gender\np1,f\n", "expected a header with a column subject or video"),
        ("subject\np1\n", "has no column but subject; add others"),
        ("subject,sex,Sex\np0,f,m\n", "the column 'sex' occurs twice; rename it"),
        ("subject,yaw\np0,f\n", "the column 'yaw' is the name of what is measured of crops; rename it"),
        ("subject,gender\np1,f\nP1,m\n", r"line 3: 'P1' is also in line 2"),
        ("subject,gender\n,f\n", "line 2: the subject is missing"),
        ("subject,gender\nanna,f\n", r"no subject is one of the benchmark's; they are such as 'p0'"),
        ("subject,gender\np1,f,x\n", "line 2"),
    ],
)
def test_a_table_of_subjects_that_does_not_fit_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        scored(tmp_path, frames(people=2), table(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("subject;age\np1;20,5\np2;NA\n", {"age": {"p1": "20,5"}}),
        ("video\tgender\nv1.mp4\tF\nv2\tf\n", {"gender": {"v1": "F", "v2": "F"}}),
        (
            "subject,name,sex\n" + "".join(f"p{n},name {n},f\n" for n in range(9)),
            {"sex": {f"p{n}": "f" for n in range(9)}},
        ),
    ],
)
def test_a_table_of_subjects_is_read_as_others_write_it(
    tmp_path: Path, text: str, expected: Mapping[str, Mapping[str, str]]
) -> None:
    assert read_subjects(table(tmp_path, text)).columns == expected


def test_the_report_names_the_groups_that_are_worse(tmp_path: Path) -> None:
    scored(tmp_path, frames(turn))
    chart, numbers = condition_panels(ScoreFile.read(tmp_path / "score.json"))
    assert chart.look_for.startswith("AUC is lower for yaw: from 30 degrees (-0.")
    assert numbers.table is not None and [row[:4] for row in numbers.table.rows] == [
        ("yaw", "below 15 degrees", PEOPLE * 20, PEOPLE),
        ("yaw", "from 30 degrees", PEOPLE * 10, PEOPLE),
    ]
    scored(tmp_path, frames(lambda person, frame, row: row.update(yaw=20.0 * (frame % 2))))
    chart, _ = condition_panels(ScoreFile.read(tmp_path / "score.json"))
    assert chart.look_for.startswith("AUC is in no group lower")
    scored(tmp_path, frames())
    assert not list(condition_panels(ScoreFile.read(tmp_path / "score.json")))
