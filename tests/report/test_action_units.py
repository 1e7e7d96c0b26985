"""Which AUs a score says can be told from chance."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow.contracts.score import OccurrenceScores, ScoreFile
from affectflow.report.action_units import better_than_always_yes, unit_panels
from tests.score_json import UNIT, score_json


@pytest.mark.parametrize(
    ("intervals", "verdict"),
    [
        ({"f1": (0.45, 0.6), "auc": (0.6, 0.7)}, "yes"),
        ({"f1": (0.39, 0.6), "auc": (0.6, 0.7)}, "no"),
        ({"f1": (0.45, 0.6), "auc": (0.49, 0.7)}, "no"),
        ({"f1": None, "auc": (0.6, 0.7)}, "too few"),
        ({}, "too few"),
    ],
)
def test_a_verdict_follows_the_intervals(intervals: dict[str, tuple[float, float] | None], verdict: str) -> None:
    assert better_than_always_yes(OccurrenceScores(**{**UNIT, "intervals": intervals})) == verdict


def test_the_panel_names_the_units_that_can_be_trusted(tmp_path: Path) -> None:
    sure = {**UNIT, "intervals": {"f1": (0.45, 0.6), "auc": (0.6, 0.7)}}
    units = {"AU1": sure, "AU2": UNIT, "AU12": sure}
    chart, numbers = unit_panels(ScoreFile.read(score_json(tmp_path / "s.json", action_units=units)))
    assert chart.look_for.startswith("2 of 3 AUs can be told from chance: AU1, AU12.")
    assert numbers.table and [row[:2] for row in numbers.table.rows] == [
        ("AU1", "yes"),
        ("AU2", "too few"),
        ("AU12", "yes"),
    ]
