"""What runs in a study's folder, so that the locks of a killed run are told from those of one that still works.

Snakemake locks the files that a run works on, in ``.snakemake/locks``, and does not say who holds a lock. Here each run
leaves a record in ``.snakemake/affectflow`` that says which process it is, and removes it when it ends. Locks are
removed only where every record is of a run that certainly has ended and had no jobs elsewhere. Whatever cannot be found
out leaves the locks as they are.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from affectflow.core.orphan import end_with

_LOCKS = Path(".snakemake/locks")
_RECORDS = Path(".snakemake/affectflow")
_WORKFLOW = "AFFECTFLOW_WORKFLOW"
"""Environment variable that tells local jobs which process they work for: ``place pid``."""
_WAIT_S = 40.0
"""Longer than jobs take to end with their workflow."""
_SAME_START_S = 2.0
"""Two readings of a process's start differ by less."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A record: a run's process, and whether its jobs run on its host and end with it."""

    place: str
    pid: int
    started: float
    local: bool

    @classmethod
    def this(cls, local: bool) -> _Run:
        return cls(_place(), os.getpid(), psutil.Process().create_time(), local)

    @classmethod
    def read(cls, path: Path) -> _Run | None:
        """Return the run of a record; None where it cannot be read."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def has_ended(self) -> bool:
        """Return whether its process has ended for certain."""
        if self.place != _place():
            return False
        try:
            process = psutil.Process(self.pid)
            other = abs(process.create_time() - self.started) > _SAME_START_S
            return other or bool(process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True

    def jobs(self) -> list[psutil.Process]:
        """Return the processes of this user that work for it."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_WORKFLOW) == _address(self.place, self.pid) and process.pid != os.getpid():
                    found.append(process)
            except psutil.Error:
                continue  # another user's, or it has just ended
        return found


def enter_as_workflow(tell: Callable[[str], object]) -> None:
    """Record this process as a run in the working directory; remove the locks that a killed run left behind.

    Args:
        tell: What shows a sentence to the user.
    """
    try:
        _clear(tell)
        record_jobs(local=True)  # none yet
    except (OSError, psutil.Error):
        return  # Snakemake's own sentence about locks remains
    os.environ[_WORKFLOW] = _address(_place(), os.getpid())
    atexit.register(_record().absolute().unlink, missing_ok=True)


def record_jobs(local: bool) -> None:
    """Record where this run's jobs run.

    Args:
        local: Whether they run on this host and end with this process.
    """
    _RECORDS.mkdir(parents=True, exist_ok=True)
    _record().write_text(json.dumps(asdict(_Run.this(local))) + "\n")


def enter_as_job() -> None:
    """End this process with the run that it works for, where that is a process of this host."""
    place, _, pid = os.environ.get(_WORKFLOW, "").rpartition(" ")
    if pid and place == _place():  # else a job of a cluster, which its scheduler ends
        end_with(int(pid))


def _clear(tell: Callable[[str], object]) -> None:
    locks = list(_LOCKS.glob("*.lock"))
    records = {path: _Run.read(path) for path in _RECORDS.glob("*.json")}
    runs = [run for run in records.values() if run is not None and run.has_ended()]
    if locks:
        if not records or len(runs) < len(records) or not all(run.local for run in runs):
            return
        if not _jobs_have_ended(runs, tell) or set(_RECORDS.glob("*.json")) != records.keys():
            return
        tell("A run was killed here; this one goes on where it was.")
    for path, run in records.items():
        if run in runs:
            path.unlink(missing_ok=True)
    for lock in locks:
        lock.unlink(missing_ok=True)


def _jobs_have_ended(runs: Sequence[_Run], tell: Callable[[str], object]) -> bool:
    """Wait for the jobs of killed runs, which end by themselves."""
    end, told = time.monotonic() + _WAIT_S, False
    while any(run.jobs() for run in runs):
        if time.monotonic() > end:
            return False
        if not told:
            tell("A run was killed here; waiting until its jobs have saved and ended.")
            told = True
        time.sleep(0.2)
    return True


def _place() -> str:
    """Return where a process number means a process: host, allocation of a cluster, boot, namespace of processes."""
    host = f"{socket.gethostname()}:{os.environ.get('SLURM_JOB_ID', '')}"
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{host}:{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:  # not on this system; the start of a process tells it from an earlier one
        return host


def _address(place: str, pid: int) -> str:
    return f"{place} {pid}"


def _record() -> Path:
    return _RECORDS / f"{socket.gethostname()}.{os.getpid()}.json"
