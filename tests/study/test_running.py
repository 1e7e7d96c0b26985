"""Locks that a killed run left behind are removed; those of a run that may still work are not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_RUN = """
import os, sys
from affectflow.study.running import enter_as_workflow, record_jobs
enter_as_workflow(lambda sentence: print(sentence, flush=True))
record_jobs(local=sys.argv[1] == "local")
print("runs", flush=True)
sys.stdin.readline()
"""
_JOB = """
import os, signal, sys, time
from affectflow.study.running import enter_as_job
def save(number, frame):
    time.sleep(1)
    sys.exit(75)
signal.signal(signal.SIGTERM, save)
enter_as_job()
print("works", flush=True)
while True:
    time.sleep(0.05)
"""
GOES_ON = "A run was killed here; this one goes on where it was."


@contextmanager
def _started(folder: Path, program: str, argument: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, argument]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A folder with a lock of Snakemake's."""
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("results/eval/disfa_resnet.json\n")
    return tmp_path


def _locked(study: Path) -> bool:
    return any((study / ".snakemake/locks").iterdir())


def _killed(study: Path, jobs: str = "local") -> None:
    with _started(study, _RUN, jobs) as run:
        assert _says(run) == "runs"


@pytest.mark.parametrize(("jobs", "removed"), [("local", True), ("cluster", False)])
def test_locks_of_a_killed_run_are_removed_unless_its_jobs_may_be_in_a_queue(
    study: Path, jobs: str, removed: bool
) -> None:
    _killed(study, jobs)
    with _started(study, _RUN, "local") as run:
        assert [_says(run) for _ in range(1 + removed)] == [GOES_ON, "runs"][not removed :]
    assert _locked(study) is not removed


def test_locks_of_a_run_that_works_stay(study: Path, tmp_path: Path) -> None:
    _killed(study)
    (lock,) = (study / ".snakemake/locks").iterdir()
    text = lock.read_text()
    (tmp_path / "another").mkdir()
    with _started(study, _RUN, "local") as first:
        assert [_says(first), _says(first)] == [GOES_ON, "runs"]
        lock.write_text(text)
        _killed(study)  # another, which ends earlier
        with _started(study, _RUN, "local", TMPDIR=str(tmp_path / "another")) as third:
            assert _says(third) == "runs" and _locked(study)


@pytest.mark.parametrize("change", [{"place": "another host"}, {"local": False}, {"what": "is this?"}])
def test_locks_stay_where_another_host_may_work(study: Path, change: dict[str, object]) -> None:
    _killed(study)
    (own,) = (study / ".snakemake/affectflow").iterdir()
    record = {**json.loads(own.read_text()), **change}
    own.with_name("another.7.json").write_text(json.dumps(record))
    with _started(study, _RUN, "local") as run:
        assert _says(run) == "runs" and _locked(study)


def test_a_number_that_another_process_has_now_is_not_the_run(study: Path) -> None:
    _killed(study)
    (own,) = (study / ".snakemake/affectflow").iterdir()
    record = {**json.loads(own.read_text()), "pid": os.getpid()}  # it lives, and started at another time
    own.write_text(json.dumps({**record, "started": record["started"] + 60}))
    with _started(study, _RUN, "local") as run:
        assert [_says(run), _says(run)] == [GOES_ON, "runs"] and not _locked(study)


def test_after_unlock_an_earlier_killed_run_is_forgotten(study: Path) -> None:
    _killed(study, "cluster")
    (lock,) = (study / ".snakemake/locks").iterdir()
    text = lock.read_text()
    lock.unlink()  # snakemake --unlock
    _killed(study)
    lock.write_text(text)
    with _started(study, _RUN, "local") as run:
        assert [_says(run), _says(run)] == [GOES_ON, "runs"] and not _locked(study)


def test_a_folder_that_cannot_be_written_stops_nothing(study: Path) -> None:
    (study / ".snakemake/affectflow").write_text("a file")
    with _started(study, _RUN.replace('record_jobs(local=sys.argv[1] == "local")', ""), "local") as run:
        assert _says(run) == "runs" and _locked(study)


def test_locks_of_an_unknown_run_stay(study: Path) -> None:
    with _started(study, _RUN, "local") as run:
        assert _says(run) == "runs" and _locked(study)


def test_a_run_that_ends_leaves_no_record(study: Path) -> None:
    with _started(study, _RUN, "local") as run:
        assert _says(run) == "runs"
        run.communicate("\n")
    assert run.returncode == 0 and not any((study / ".snakemake/affectflow").iterdir())


def test_jobs_end_with_their_run_and_the_next_one_waits_for_them(study: Path) -> None:
    job = f"import subprocess; subprocess.run([sys.executable, '-c', {_JOB!r}])"
    with _started(study, f"{_RUN.partition('sys.stdin')[0]}{job}", "local") as first:
        assert (_says(first), _says(first)) == ("runs", "works")
        os.kill(first.pid, signal.SIGKILL)  # and it stays a zombie
        with _started(study, _RUN, "local") as second:
            assert [_says(second) for _ in range(3)] == [
                "A run was killed here; waiting until its jobs have saved and ended.",
                GOES_ON,
                "runs",
            ]
            assert not _locked(study)
