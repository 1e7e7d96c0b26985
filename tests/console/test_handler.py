"""Lines of the terminal, from the records that Snakemake logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from affectflow.console import handler as module
from affectflow.console.handler import LogHandler

Log = Callable[..., str]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Log]:
    """Logs a record and returns what the terminal shows of it."""
    monkeypatch.setattr(module, "_now", lambda: "17:03:10")
    monkeypatch.setenv("AFFECTFLOW_CONSOLE", "")
    quiet = SimpleNamespace(verbose=False, debug_dag=False, dryrun=False, quiet=None, stdout=False)
    quiet.show_failed_logs = False
    made = LogHandler(quiet, None)

    def show(event: LogEvent | None, message: str = "", pathname: str = "/x/snakemake/a.py", **extra: Any) -> str:
        record = logging.LogRecord("snakemake", logging.INFO, pathname, 1, message, (), None)
        record.__dict__.update({"event": event, **extra} if event else extra)
        made.emit(record)
        return capsys.readouterr().err

    yield show
    made.close()


def job(number: int, rule: str, log: Path | None = None, **wildcards: str) -> dict[str, Any]:
    reason = "Missing output files: a"
    return {
        **{"jobid": number, "rule_name": rule, "wildcards": wildcards, "reason": reason},
        "log": [str(log)] if log else [],
    }


def test_a_job_is_a_line_with_what_it_found(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "job.log"
    file.write_text("chatter\nfound: 10,100 of 11,336 images\n")
    assert log(LogEvent.RUN_INFO, stats={"download_partition": 4, "all": 1, "total": 5}) == (
        "4 to do: download_partition (4)\n"
    )
    assert log(LogEvent.JOB_INFO, **job(3, "download_partition", file, part="0", protocol="")) == ""
    assert log(LogEvent.JOB_FINISHED, job_id=3) == ("17:03:10 download_partition 0: 10,100 of 11,336 images (0 s)\n")
    assert log(LogEvent.JOB_FINISHED, job_id=3) == ""


def test_a_reason_is_told_unless_it_is_the_first_time(log: Log) -> None:
    again = {**job(1, "write_frames"), "reason": "Updated input files: my/table.xlsx"}
    log(LogEvent.JOB_INFO, **again)
    assert log(LogEvent.JOB_FINISHED, job_id=1) == "17:03:10 write_frames: done (0 s; my/table.xlsx changed)\n"


def test_a_long_job_is_announced_with_its_log(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_ANNOUNCED_AFTER_S", 0.01)
    timers: list[Any] = []
    timer = module.threading.Timer

    def kept(*arguments: Any) -> Any:
        timers.append(timer(*arguments))
        return timers[-1]

    monkeypatch.setattr(module.threading, "Timer", kept)
    log(LogEvent.JOB_INFO, **job(1, "train_model", tmp_path / "a.log", run="resnet"))
    timers[0].join()
    assert capsys.readouterr().err == f"17:03:10 train_model resnet is running; log: {tmp_path / 'a.log'}\n"


def test_a_failure_shows_its_reason_once(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "job.log"
    file.write_text("Traceback ...\naffectflow: mine.xlsx cannot be read as a workbook; save it again.\n")
    failed = job(1, "ingest_tables", file)
    log(LogEvent.JOB_INFO, **failed)
    assert log(LogEvent.JOB_ERROR, **failed, aux={}) == (
        f"17:03:10 ingest_tables failed: mine.xlsx cannot be read as a workbook; save it again. (log: {file})\n"
    )
    assert log(LogEvent.JOB_ERROR, **failed, aux={}) == ""


def test_a_job_that_was_killed_is_named(log: Log, tmp_path: Path) -> None:
    failed = job(1, "train_model", tmp_path / "none.log")
    log(LogEvent.JOB_INFO, **failed)
    assert "train_model failed: it ended without a word" in log(LogEvent.JOB_ERROR, **failed, aux={})


def test_a_full_disk_is_named_where_a_log_could_not_be_written(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = job(1, "train_model", tmp_path / "empty.log")
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=4096))
    log(LogEvent.JOB_INFO, **failed)
    assert "train_model failed: the disk of its log is full; free disk space" in log(
        LogEvent.JOB_ERROR, **failed, aux={}
    )


def test_what_snakemake_says_beside_is_left_to_its_log(log: Log) -> None:
    assert log(None, "Select jobs to execute...") == ""
    assert log(None, "Nothing to be done (all requested files are present).").startswith("Nothing to be done")
    assert log(None, "Job 3 has been submitted", pathname="/x/snakemake_executor_plugin_slurm/a.py") == (
        "Job 3 has been submitted\n"
    )


def test_errors_of_snakemake_are_sentences(log: Log) -> None:
    text = "Traceback ... load_configfile\nFileNotFoundError: [Errno 2] No such file or directory: 'nope.yaml'"
    assert log(LogEvent.ERROR, text, exception="FileNotFoundError") == (
        "affectflow: There is no configuration file nope.yaml; correct --configfile.\n"
    )
    assert "snakemake --unlock" in log(LogEvent.ERROR, "Error: Directory cannot be locked", exception="LockException")
    assert log(LogEvent.ERROR, "its own words", exception="WorkflowError") == "its own words\n"


@pytest.mark.parametrize(
    ("text", "tries"),
    [
        ("affectflow: mine.xlsx cannot be read; save it again.\n", 0),
        ("affectflow: MemoryError (the traceback is in a.log)\n", 3),
        ("Killed\n", 3),
    ],
)
def test_only_what_may_pass_is_tried_again(tmp_path: Path, text: str, tries: int) -> None:
    from snakemake.logging import logger

    from affectflow.console import workflow

    rule = SimpleNamespace(restart_times=3)
    looks = SimpleNamespace(dryrun=True)
    workflow.attach(SimpleNamespace(is_main_process=True, output_settings=looks, get_rule=lambda name: rule), [])
    (tmp_path / "a.log").write_text(text)
    extra = {"event": LogEvent.JOB_ERROR, "rule_name": "ingest_tables", "log": [str(tmp_path / "a.log")]}
    logger.error("failed", extra=extra)
    assert rule.restart_times == tries


ENDS = (
    (None, "Exiting because a job execution failed. Look above for error messages"),
    (LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete successfully."),
)


def test_a_job_that_was_stopped_is_not_said_to_have_failed(log: Log, tmp_path: Path) -> None:
    """Where Ctrl-C ends a job before Snakemake sees it, Snakemake takes the job for failed."""
    stopped, broken = tmp_path / "stopped.log", tmp_path / "broken.log"
    stopped.write_text("epoch 1\nstopped; the same command goes on\n")
    broken.write_text("affectflow: no such file.\n")
    assert log(LogEvent.JOB_ERROR, **job(1, "train_model", stopped)) == (
        "17:03:10 train_model stopped; the same command goes on\n"
    )
    for event, text in ENDS:
        assert log(event, text, exception="WorkflowError") == ""
    assert "failed" in log(LogEvent.JOB_ERROR, **job(2, "ingest_tables", broken))
    for event, text in ENDS:
        assert "job" in log(event, text, pathname="/x/affectflow/a.py", exception="WorkflowError")


def test_a_cache_that_cannot_be_written_is_one_sentence(log: Log) -> None:
    where = 'Traceback:\n  File "snakemake/sourcecache.py", line 791'
    text = f"{where}\nPermissionError: [Errno 13] Permission denied: '/x/y'"
    assert log(LogEvent.ERROR, text, exception="PermissionError") == (
        "affectflow: Snakemake cannot write its cache in /x/y; set XDG_CACHE_HOME to a folder that can be written.\n"
    )
