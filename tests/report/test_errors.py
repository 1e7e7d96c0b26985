"""Errors of single frames, and by person and crop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from affectflow.report.errors import error_panels, errors_of
from affectflow.report.panel import Panel
from tests.report.predictions import NAN, row, table


def panels(*rows: dict[str, Any]) -> list[Panel]:
    found = table(*rows)
    return list(error_panels(found, errors_of(found)))


def test_errors_are_cross_entropy_or_distance() -> None:
    found = errors_of(
        table(
            row("a", AU1=(1, 0.5), AU2=(0, 0.75)),
            row("b", AU1=(-1, 0.9), valence=(0.5, 0.2), arousal=(0.1, 0.5)),
            row("c", AU1=(0, NAN)),
            row("d", AU1=(1, 0.0)),
        )
    )
    assert found[0] == pytest.approx((np.log(2) + np.log(4)) / 2)
    assert found[1] == pytest.approx(0.5)
    assert np.isnan(found[2]) and 13 < found[3] < 14


def test_the_person_with_the_largest_error_is_first() -> None:
    rows = [
        row(f"{person}/{frame}", frame=frame, subject=person, crop=crop, AU1=(1, probability))
        for person, probability, crop in (("anna", 0.9, "face"), ("ben", 0.2, "center"))
        for frame in range(3)
    ]
    by_person, by_crop = panels(*rows, row("c", subject="carl", AU1=(1, NAN)))
    assert by_person.chart and by_crop.chart
    shown = by_person.chart["data"]["values"]
    assert [(group["name"], group["frames"]) for group in shown] == [("ben", 3), ("anna", 3)]
    assert shown[0]["error"] == pytest.approx(-np.log(0.2), abs=1e-4)
    assert by_crop.chart["data"]["values"][0]["name"] == "no face, center of the image"


def test_a_single_person_is_not_compared() -> None:
    assert panels(row("a", subject="anna", AU1=(1, 0.5))) == []


def test_of_many_people_the_worst_are_shown() -> None:
    rows = [row(str(i), subject=f"p{i:03}", AU1=(1, 1 - i / 100)) for i in range(50)]
    (panel,) = panels(*rows)
    assert panel.chart and "The 30 with the largest of 50 are shown." in panel.look_for
    assert [group["name"] for group in panel.chart["data"]["values"]] == [f"p{i:03}" for i in range(49, 19, -1)]
