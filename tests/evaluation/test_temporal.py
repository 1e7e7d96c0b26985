"""Events of action units, and predictions averaged over neighbouring frames."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats

from affectflow.evaluation.temporal import write_events
from affectflow.metrics.events import Events, find_events, match, runs
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.parquet import write_parquet
from tests.evaluation.test_score import DISFA, _frames, _score

UNIT = 12


def found(line: str, run: NDArray[np.int64] | None = None) -> Events:
    """Events of a line such as ``..###``."""
    present = np.array([mark == "#" for mark in line], bool)
    return find_events(present, np.zeros(len(line), np.int64) if run is None else run)


def places(events: Events) -> list[tuple[int, int]]:
    return list(zip(events.onset.tolist(), events.offset.tolist(), strict=True))


def test_an_event_has_onset_apex_and_offset() -> None:
    events = found(".###..#")
    assert places(events) == [(1, 3), (6, 6)]
    assert events.apex(np.array([9.0, 1, 3, 3, 0, 0, 1])).tolist() == [2, 6]
    assert places(found("####")) == [(0, 3)] and places(found("#")) == [(0, 0)]
    assert places(found("....")) == places(found("")) == []


def test_an_event_ends_with_its_video_and_where_a_frame_is_missing() -> None:
    video, frame = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([1, 2, 4, 5, 6, 7, 8])
    run = runs(video, frame)
    assert run.tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert places(found("#######", run)) == [(0, 1), (2, 3), (4, 6)]


@pytest.mark.parametrize(
    "recorded, predicted, pairs",
    [
        ("..####..", "..####..", 1),
        ("..####..", "....##..", 1),  # two of four
        ("..####..", ".....#..", 0),
        ("..####..", "....####", 0),  # two of six
        ("..####..", "..##....", 1),
        ("..####..", "..#.#...", 0),
        (".####.##", ".##.####", 2),
        ("########", "###.####", 1),
        ("", "", 0),
    ],
)
def test_an_event_is_found_by_half_of_the_joint_extent(recorded: str, predicted: str, pairs: int) -> None:
    assert int((match(found(recorded), found(predicted)) >= 0).sum()) == pairs


@given(st.lists(st.booleans(), max_size=60), st.lists(st.booleans(), max_size=60))
def test_matching_is_that_of_trying_all_pairs(one: list[bool], other: list[bool]) -> None:
    size = min(len(one), len(other))
    recorded, predicted = (found("".join(".#"[mark] for mark in line[:size])) for line in (one, other))
    possible = [
        (p, r)
        for p, a in enumerate(places(predicted))
        for r, b in enumerate(places(recorded))
        if 2 * len(_rows(a) & _rows(b)) >= len(_rows(a) | _rows(b))
    ]
    assert [(p, r) for p, r in enumerate(match(recorded, predicted).tolist()) if r >= 0] == possible


def _rows(event: tuple[int, int]) -> set[int]:
    return set(range(event[0], event[1] + 1))


def videos(lines: dict[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """Rows of one video a subject: what is recorded of AU12, and what is predicted."""
    rows = []
    for subject, (recorded, predicted) in lines.items():
        frames = _frames(len(recorded), DISFA)
        for i, row in enumerate(frames):
            row.update(source=f"{subject}/{i}", group=subject, subject=subject, video=subject, frame=i + 1)
            row["units"][UNIT - 1] = int(recorded[i] == "#")
            row["probabilities"][UNIT - 1] = 0.9 if predicted[i] == "#" else 0.1
        rows += frames
    return rows


def test_events_are_scored_beside_frames(tmp_path: Path) -> None:
    rows = videos({"a": ("..####....##", "..###.#...##"), "b": ("####....##..", "####..##....")})
    result = _score(tmp_path, rows)
    of_unit = result["action_units"]["AU12"]
    assert (of_unit["events"], of_unit["predicted_events"]) == (4, 5)
    assert of_unit["event_f1"] == pytest.approx(2 * 3 / (4 + 5), abs=1e-6)
    estimate, without = 2 * 3 / (4 + 5), np.array([2 * 1 / (2 + 2), 2 * 2 / (2 + 3)])
    error = np.sqrt(1 / 2 * ((without - without.mean()) ** 2).sum())
    half = stats.t(1).ppf(0.975) * error / (estimate * (1 - estimate))
    expected = special.expit(special.logit(estimate) + np.array([-half, half]))
    assert of_unit["intervals"]["event_f1"] == pytest.approx(expected, abs=1e-6)
    units = [one["event_f1"] for one in result["action_units"].values() if one["event_f1"] is not None]
    assert result["mean_event_f1"] == pytest.approx(np.mean(units), abs=1e-6)


def test_events_are_listed_by_video_and_frame(tmp_path: Path) -> None:
    rows = videos({"a": ("..###", ".####"), "b": ("#....", ".....")})
    for i, strength in enumerate((0, 0, 2, 4, 4)):
        rows[i]["intensities"][UNIT - 1] = strength
    rows[3]["probabilities"][UNIT - 1] = 0.95
    write_parquet(tmp_path / "p", PREDICTIONS_SCHEMA, rows)
    write_events(tmp_path / "p", {"AU12": 0.5}, tmp_path / "events.csv")
    write_events(tmp_path / "p", {"AU12": 0.96}, tmp_path / "none.csv")
    assert not any(row[:2] == ["AU12", "prediction"] for row in csv.reader((tmp_path / "none.csv").open()))
    listed = [row for row in csv.reader((tmp_path / "events.csv").open()) if row[0] == "AU12"]
    assert listed == [
        ["AU12", "label", "a", "a", "3", "4", "5", "4.0"],
        ["AU12", "label", "b", "b", "1", "1", "1", ""],
        ["AU12", "prediction", "a", "a", "2", "4", "5", "0.95"],
    ]


def test_the_end_of_a_video_ends_an_event(tmp_path: Path) -> None:
    result = _score(tmp_path, videos({"a": ("..##", "..##"), "b": ("##..", "##..")}))
    assert result["action_units"]["AU12"]["events"] == 2 and result["action_units"]["AU12"]["event_f1"] == 1


def test_smoothed_predictions_are_scored_beside_the_unsmoothed_ones(tmp_path: Path) -> None:
    recorded = "." * 20 + "#" * 20
    predicted = "".join("#."[(mark == "#") ^ (i % 5 != 0)] for i, mark in enumerate(recorded))  # each fifth is wrong
    rows = videos({"a": (recorded, predicted), "b": (recorded[::-1], predicted[::-1])})
    unsmoothed, both = _score(tmp_path, rows), _score(tmp_path, rows, name="smooth8")
    assert {key: both[key] for key in ("mean_f1", "mean_auc")} == {
        key: unsmoothed[key] for key in ("mean_f1", "mean_auc")
    }
    assert "smoothed" not in unsmoothed and both["smoothed"]["frames"] == 7
    mean = _moving(np.array([row["probabilities"] for row in rows]), 7, 40)
    for row, smooth in zip(rows, mean, strict=True):
        row["probabilities"] = smooth.tolist()
    by_hand = _score(tmp_path, rows)
    assert both["smoothed"]["mean_f1"] == pytest.approx(by_hand["mean_f1"], abs=1e-6)
    assert both["smoothed"]["mean_auc"] == pytest.approx(by_hand["mean_auc"], abs=1e-6)
    assert by_hand["action_units"]["AU12"]["f1"] > unsmoothed["action_units"]["AU12"]["f1"] + 0.1
    assert both["smoothed"]["intervals"]["mean_f1"] == pytest.approx(by_hand["intervals"]["mean_f1"], abs=1e-6)


def _moving(values: NDArray[np.float64], frames: int, length: int) -> NDArray[np.float64]:
    """Row by row, in videos of one length."""
    half = frames // 2
    means = []
    for i in range(len(values)):
        start = i - i % length
        means.append(values[max(start, i - half) : min(start + length, i + half + 1)].mean(axis=0))
    return np.array(means)


def test_valence_is_smoothed_too(tmp_path: Path) -> None:
    rows = _frames(80, ())
    rng = np.random.default_rng(0)
    for i, row in enumerate(rows):
        row.update(subject="", video=f"v{i // 40}", frame=i % 40 + 1, group=f"v{i // 40}")
        row.update(valence=np.sin(i / 9), arousal=0.1, predicted_arousal=0.1)
        row["predicted_valence"] = row["valence"] + rng.normal(0, 0.3)
    result = _score(tmp_path, rows, benchmark="affwild", trained=(), name="smooth")
    assert result["smoothed"]["frames"] == 31 and {"valence", "arousal", "mean_ccc"} <= result["smoothed"].keys()
    assert result["smoothed"]["valence"] != result["valence"]["ccc"]
