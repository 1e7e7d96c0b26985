"""Snakemake's log handler: a line for each job when it ends, and one when it takes a while.

Snakemake's own log file (``.snakemake/log``) has all that it has to say; ``--verbose`` shows it here, too.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from affectflow.console.failures import sentence
from affectflow.console.reasons import FIRST, why
from affectflow.console.workflow import params_of
from affectflow.core.rule import CONSOLE, FOUND, error_in, interruption_in, last_lines

_OF_FAILED_JOBS = ("Exiting because a job execution failed", "At least one job did not complete successfully")
_ANNOUNCED_AFTER_S = 3.0
"""A job that ends sooner has one line alone."""
_NEARLY_FULL = 1_000_000  # bytes; what a failed job has made is deleted before its log is read
_SAID_BY_SNAKEMAKE = (
    "Nothing to be done",
    "Would remove",
    "Unlocked",
    "Unlocking",
    "Terminating processes",
    "The params",
)
"""Beginnings of its lines without an event that are shown."""


@dataclass(slots=True)
class _Job:
    name: str
    reason: str
    log: Path | None
    began: float = field(default_factory=time.monotonic)
    timer: threading.Timer | None = None


class LogHandler(LogHandlerBase):
    """Writes lines to the terminal; full detail is in the log files whose paths it names."""

    def __post_init__(self) -> None:
        self._jobs: dict[int, _Job] = {}
        self._failed: set[int] = set()
        self._stopped: set[int] = set()
        self._lock = threading.Lock()
        self._plain = DefaultFormatter(self.common_settings.quiet, self.common_settings.show_failed_logs)
        self._listed = False
        os.environ[CONSOLE] = "1"  # jobs leave it to this handler to show their errors

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        return False

    @property
    def has_filter(self) -> bool:
        return False

    @property
    def has_formatter(self) -> bool:
        return False

    @property
    def needs_rulegraph(self) -> bool:
        return False

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, in plain words unless ``--verbose`` is given."""
        try:
            if self.common_settings.verbose or self.common_settings.debug_dag:
                self._write(self._plain.format(record))
            else:
                self._show(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        with self._lock:
            timers = [job.timer for job in self._jobs.values() if job.timer is not None]
        for timer in timers:
            timer.cancel()
        super().close()

    def _show(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        match event:
            case LogEvent.RUN_INFO:
                self._begin(getattr(record, "stats", {}))
            case LogEvent.JOB_INFO:
                self._start(record.__dict__)
            case LogEvent.JOB_FINISHED:
                self._finish(record.__dict__)
            case LogEvent.JOB_ERROR:
                self._fail(record.__dict__)
            case LogEvent.ERROR:
                self._error(str(getattr(record, "exception", "")), record.getMessage())
            case None:
                self._say(record)

    def _begin(self, stats: Mapping[str, int]) -> None:
        if self._listed:
            return  # Snakemake says it again at the end of a dry run
        self._listed = True
        rules = {name: count for name, count in stats.items() if name not in ("total", "all")}
        named = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in rules.items())
        if rules:
            self._write(f"{sum(rules.values())} to do: {named}")

    def _start(self, record: Mapping[str, Any]) -> None:
        name = " ".join([record["rule_name"], *filter(None, map(str, record["wildcards"].values()))])
        reason = why(record["reason"], self._params(record))
        logs = record["log"]
        job = _Job(name, reason, Path(logs[0]) if logs else None)
        if self.common_settings.dryrun:
            self._write(f"{name}: {reason}")
            return
        job.timer = threading.Timer(_ANNOUNCED_AFTER_S, self._announce, [job])
        job.timer.daemon = True
        with self._lock:
            self._jobs[record["jobid"]] = job
        job.timer.start()

    def _params(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if "Params have changed" not in record["reason"]:
            return {}
        return params_of(record["rule_name"], record["wildcards"])

    def _announce(self, job: _Job) -> None:
        where = f"; log: {job.log}" if job.log else ""
        self._write(f"{_now()} {job.name} is running{'' if job.reason == FIRST else f': {job.reason}'}{where}")

    def _finish(self, record: Mapping[str, Any]) -> None:
        job = self._ended(record)
        if job is None or job.name == "all":
            return
        took = time.monotonic() - job.began
        found = _found(job.log) or "done"
        reason = "" if job.reason == FIRST else f"; {job.reason}"
        self._write(f"{_now()} {job.name}: {found} ({_duration(took)}{reason})")

    def _fail(self, record: Mapping[str, Any]) -> None:
        number = record["jobid"]
        if number in self._failed:  # Snakemake says it again at the end
            return
        self._failed.add(number)
        job = self._ended(record)
        logs = [Path(one) for one in (*record["log"], *(record.get("aux") or {}).get("logs", ()))]
        name = job.name if job else record["rule_name"]
        if interrupted := next((found for log in logs if (found := interruption_in(log))), None):
            self._stopped.add(number)
            self._write(f"{_now()} {name} {interrupted}")
            return
        reason = next((found for log in logs if (found := error_in(log))), _unknown_reason(logs))
        self._write(f"{_now()} {name} failed: {reason} (log: {', '.join(map(str, logs))})")

    def _ended(self, record: Mapping[str, Any]) -> _Job | None:
        number = record.get("job_id", record.get("jobid"))
        with self._lock:
            job = self._jobs.pop(number, None)
        if job is not None and job.timer is not None:
            job.timer.cancel()
        return job

    def _is_of_stopped_jobs(self, text: str) -> bool:
        """Return whether Snakemake reports as failed what was stopped, which it does where a job ends first."""
        return bool(self._stopped) and self._stopped == self._failed and any(line in text for line in _OF_FAILED_JOBS)

    def _error(self, exception: str, text: str) -> None:
        if exception == "RuleException" and "CalledProcessError" in text:
            return  # the job has a line of its own
        if self._is_of_stopped_jobs(text):
            return
        self._write(f"affectflow: {found}" if (found := sentence(exception, text)) else text.strip())

    def _say(self, record: logging.LogRecord) -> None:
        text = record.getMessage().strip()
        if self._is_of_stopped_jobs(text):
            return
        ours = f"{os.sep}snakemake{os.sep}" not in record.pathname
        if text and (ours or record.levelno >= logging.WARNING or text.startswith(_SAID_BY_SNAKEMAKE)):
            self._write(text)

    def _write(self, text: str) -> None:
        stream: TextIO = sys.stdout if self.common_settings.stdout else sys.stderr
        with self._lock:
            print(text, file=stream, flush=True)


def _now() -> str:
    return time.strftime("%H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min" if minutes else f"{rest} s"


def _unknown_reason(logs: Sequence[Path]) -> str:
    """Return what is known of a job whose logs say nothing."""
    for log in logs:
        with suppress(OSError):
            if shutil.disk_usage(log.parent).free < _NEARLY_FULL:
                return "the disk of its log is full; free disk space, and the same command goes on"
    return "it ended without a word"


def _found(log: Path | None) -> str | None:
    """Return what a job found, as it wrote at the end of its log."""
    lines = [line.removeprefix(FOUND) for line in last_lines(log) if line.startswith(FOUND)] if log else []
    return "; ".join(lines) or None
