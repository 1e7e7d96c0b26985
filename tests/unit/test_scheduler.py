"""How long a training may go on under a scheduler, and how it gets back into the queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from affectflow.training.scheduler import JOB, requeue, seconds_to_train


def test_outside_a_cluster_nobody_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOB, raising=False)
    assert seconds_to_train(60) is None
    monkeypatch.setenv(JOB, "7")
    assert seconds_to_train(None) is None


@pytest.mark.parametrize("minutes, spared", [(1, 30), (2, 60), (10, 60), (20, 120), (240, 300)])
def test_time_is_spared_to_save(monkeypatch: pytest.MonkeyPatch, minutes: int, spared: float) -> None:
    monkeypatch.setenv(JOB, "7")
    assert seconds_to_train(minutes) == 60 * minutes - spared


@pytest.mark.parametrize("status", [0, 1])
def test_it_asks_for_its_own_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    monkeypatch.setenv(JOB, "7")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    text = f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\n[ {status} = 0 ] || echo 'Job may not be requeued' >&2\nexit {status}\n"
    (tmp_path / "scontrol").write_text(text)
    (tmp_path / "scontrol").chmod(0o755)
    assert requeue() is (status == 0)
    assert (tmp_path / "asked").read_text() == "requeue 7\n"
    assert ("done" if status == 0 else "Job may not be requeued") in capsys.readouterr().out


def test_no_scheduler_to_ask(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(JOB, "7")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert requeue() is False and "scontrol cannot be asked" in capsys.readouterr().out
