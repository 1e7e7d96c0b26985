"""What someone without a terminal sees of a wait."""

from __future__ import annotations

import logging

import pytest

from affectflow.core import progress as module
from affectflow.core.progress import progress


def test_a_line_a_minute_with_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    caplog.set_level(logging.INFO)
    with progress(10_000, "URL", "download") as bar:
        bar._time = lambda: now[0]
        for _ in range(10):
            now[0] += 9
            bar.update(300)
    lines = [record.message for record in caplog.records if record.name == module.TO_TERMINAL]
    assert lines == ["download: 2,100 of 10,000 URLs, 33.3 a second, 3:57 min left"]


def test_what_is_over_soon_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with progress(None, "image", "records") as bar:
        bar.update(5)
    assert not caplog.records
