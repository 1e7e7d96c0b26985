"""Which videos are shown over time, and by how many points."""

from __future__ import annotations

import numpy as np
import pytest

from affectflow.report.errors import errors_of
from affectflow.report.tracks import best_and_worst, track_panels
from tests.report.predictions import row, table


def test_the_best_and_the_worst_video_are_named() -> None:
    rows = [
        row(f"{video}/{frame}", video, frame, AU1=(frame % 2, abs(frame % 2 - error)))
        for video, error in (("good", 0.1), ("bad", 0.9), ("fair", 0.3))
        for frame in range(1, 5)
    ]
    found = table(*rows)
    errors = errors_of(found)
    best, worst = best_and_worst(found, errors)
    assert (best[0], worst[0]) == ("good", "bad")
    assert best[1] == pytest.approx(-np.log(0.9), abs=1e-6) and worst[1] == pytest.approx(-np.log(0.1), abs=1e-6)
    assert worst[2].tolist() == [4, 5, 6, 7]
    unlabelled = table(row("x", "unlabelled", 1), row("y", "unlabelled", 2))
    assert best_and_worst(unlabelled, errors_of(unlabelled)) == []
    assert [panel.title for panel in track_panels(found, errors)] == ["Best video: good", "Worst video: bad"]


def test_a_long_video_is_shown_by_means() -> None:
    rows = [row(f"v/{frame}", "v", frame, AU1=(1, (frame % 10) / 10)) for frame in range(4000)]
    found = table(*rows)
    (panel,) = track_panels(found, errors_of(found))
    assert panel.chart
    values = [value for value in panel.chart["data"]["values"] if value["series"] == "prediction"]
    assert len(values) == 400 and {value["value"] for value in values} == {0.45}
    assert [value["frame"] for value in values[:3]] == [0, 10, 20]
