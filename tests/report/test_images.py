"""Which images are shown, and what stands below them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from affectflow.media import jpeg
from affectflow.report.errors import errors_of
from affectflow.report.images import sample_panel, worst_panel
from affectflow.report.panel import Panel, RunReport
from tests.report.predictions import people, records, row, run_report, table

BRIGHT = 250


def brightness(panel: Panel, place: int) -> float:
    """Mean of an embedded image."""
    return float(jpeg.decode(base64.b64decode(panel.images[place].jpeg)).mean())


def test_the_worst_frames_are_first_at_most_two_of_a_video(tmp_path: Path) -> None:
    rows = [
        row(f"{video}/{frame}", video, frame, AU12=(1, 0.01 if (video, frame) == ("b", 3) else 0.9))
        for video in "ab"
        for frame in range(1, 6)
    ]
    file = records(tmp_path / "frames", rows, lambda one: BRIGHT if one["source"] == "b/3" else 60)
    (panel,) = worst_panel([file], table(*rows), errors_of(table(*rows)), {"AU12": 0.4})
    assert [image.source for image in panel.images] == ["b/3", "a/1", "a/2", "b/1"]
    assert brightness(panel, 0) == pytest.approx(BRIGHT, abs=2) and brightness(panel, 1) == pytest.approx(60, abs=2)
    assert panel.images[0].missed == ("AU12",) and panel.images[1].found == ("AU12",)


def test_found_missed_and_false_alarms_are_told_apart(tmp_path: Path) -> None:
    """By the thresholds; AUs without a label, or without an output, are in none."""
    units = {"AU1": (1, 0.6), "AU2": (1, 0.6), "AU4": (0, 0.6), "AU5": (-1, 0.9), "AU6": (1, float("nan"))}
    rows = [row("a", valence=(0.25, -0.5), **units)]
    file = records(tmp_path / "frames", rows)
    thresholds = {"AU1": 0.5, "AU2": 0.7, "AU4": 0.5, "AU5": 0.5, "AU6": 0.5}
    (panel,) = sample_panel([file], table(*rows), thresholds)
    (shown,) = panel.images
    assert (shown.found, shown.missed, shown.false_alarms) == (("AU1",), ("AU2",), ("AU4",))
    assert shown.affect == {"valence": (0.25, -0.5)}


@pytest.mark.parametrize(("synthetic", "faces", "shown"), [(True, "drawn", 6), (False, "drawn", 0), (False, "all", 6)])
def test_real_faces_are_not_shown_unless_asked_for(tmp_path: Path, synthetic: bool, faces: str, shown: int) -> None:
    report = RunReport.read(run_report(tmp_path, "m", people(0.8), faces, synthetic=synthetic))
    assert sum(len(panel.images) for panel in report.benchmarks["disfa"]) == shown
    assert all(panel.chart or panel.images or panel.table for panel in report.benchmarks["disfa"])
