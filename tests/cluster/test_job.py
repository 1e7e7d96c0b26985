"""How long a training may go on under a scheduler, and how it gets back into the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from affectflow.cluster.job import JOB, requeue, seconds_to_train

Install = Callable[[str, str], None]


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Within job 7; a function that makes a command of SLURM's from a shell script's text."""
    monkeypatch.setenv(JOB, "7")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def install(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    return install


def test_outside_a_cluster_nobody_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOB, raising=False)
    assert seconds_to_train(60) is None


@pytest.mark.parametrize(
    "left, seconds",
    [("0:40", 20), ("2:00", 60), ("20:00", 1080), ("4:00:00", 14100), ("1-00:00:01", 86101), ("UNLIMITED", None)],
)
def test_what_slurm_says_is_left(job: Install, left: str, seconds: float | None) -> None:
    job("squeue", f"[ \"$2\" = --job=7 ] && echo ' {left}'")
    assert seconds_to_train(3) == seconds


@pytest.mark.parametrize("script", ["echo INVALID", "exit 1"])
def test_else_it_is_what_the_job_was_given(job: Install, script: str) -> None:
    job("squeue", script)
    assert seconds_to_train(10) == 540 and seconds_to_train(None) is None


@pytest.mark.parametrize("status", [0, 1])
def test_it_asks_for_its_own_job(job: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int) -> None:
    job(
        "scontrol",
        f"echo \"$@\" > {tmp_path}/asked; [ {status} = 0 ] || echo 'Job may not be requeued' >&2; exit {status}",
    )
    caplog.set_level("INFO")
    assert requeue() is (status == 0)
    assert (tmp_path / "asked").read_text() == "requeue 7\n"
    assert ("done" if status == 0 else "Job may not be requeued") in caplog.text


def test_no_scheduler_to_ask(
    job: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    caplog.set_level("INFO")
    assert requeue() is False and "No such file" in caplog.text
