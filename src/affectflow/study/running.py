"""What runs in a study's folder, so that the locks of a killed run are told from those of one that still works.

Snakemake locks the files that a run works on, in ``.snakemake/locks``, and does not say who holds a lock. Here each
run on a host keeps a file of the host's locked as long as it lives, and its jobs another; the system unlocks both when
the processes end, however they end. Runs on other hosts are known by a record in ``.snakemake/affectflow``.
"""

from __future__ import annotations

import atexit
import fcntl
import getpass
import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from affectflow.core.orphan import end_with

_LOCKS = Path(".snakemake/locks")
_RECORDS = Path(".snakemake/affectflow")
_WORKFLOW = "AFFECTFLOW_WORKFLOW"
"""Environment variable that tells local jobs which process they work for: ``host:allocation:pid``."""
_WAIT_S = 40.0
"""Longer than jobs take to end with their workflow."""
_held: list[IO[str]] = []
"""Files that this process keeps locked until it ends."""


def enter_as_workflow(tell: Callable[[str], object]) -> None:
    """Register this process as a run in the working directory; remove the locks that a killed run left behind.

    The locks stay where another run lives, on this host or perhaps on another one, and where the killed run may have
    jobs in a cluster's queue.

    Args:
        tell: What shows a sentence to the user.
    """
    os.environ[_WORKFLOW] = f"{_place()}:{os.getpid()}"
    runs, jobs = _file("runs"), _file("jobs")
    try:
        if _try_lock(runs):
            ended = list(_RECORDS.glob("*.json"))
            locks = list(_LOCKS.glob("*.lock"))
            if locks and ended and all(map(_was_local, ended)) and _jobs_have_ended(jobs, tell):
                for file in (*locks, *ended):
                    file.unlink()
                tell("A run was killed here; this one goes on where it was.")
        fcntl.flock(runs, fcntl.LOCK_SH)
    finally:
        jobs.close()
    _held.append(runs)
    record_jobs(local=True)  # none yet
    atexit.register(_record().unlink, missing_ok=True)


def record_jobs(local: bool) -> None:
    """Record where this run's jobs run.

    Args:
        local: Whether they run on this host and end with this process.
    """
    _RECORDS.mkdir(parents=True, exist_ok=True)
    _record().write_text(json.dumps({"host": socket.gethostname(), "local": local}) + "\n")


def enter_as_job() -> None:
    """End this process with the run that it works for, where that is a process of this host."""
    place, _, pid = os.environ.get(_WORKFLOW, "").rpartition(":")
    if not pid or place != _place():
        return  # a job of a cluster, which its scheduler ends
    jobs = _file("jobs")
    fcntl.flock(jobs, fcntl.LOCK_SH)
    _held.append(jobs)
    end_with(int(pid))


def _place() -> str:
    """Return the host and, within a cluster's job, its number."""
    return f"{socket.gethostname()}:{os.environ.get('SLURM_JOB_ID', '')}"


def _file(kind: str) -> IO[str]:
    """Open this host's file for the working directory. It is not in there: shared file systems may not lock."""
    folder = Path(tempfile.gettempdir()) / f"affectflow-runs-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return (folder / f"{hashlib.sha256(os.fsencode(os.getcwd())).hexdigest()[:16]}.{kind}").open("a", encoding="utf-8")


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _record() -> Path:
    return _RECORDS / f"{socket.gethostname()}.{os.getpid()}.json"


def _was_local(record: Path) -> bool:
    """Return whether a run was this host's, with no jobs in a cluster's queue."""
    try:
        return bool(json.loads(record.read_text()) == {"host": socket.gethostname(), "local": True})
    except (OSError, ValueError):
        return False


def _jobs_have_ended(jobs: IO[str], tell: Callable[[str], object]) -> bool:
    """Wait for the jobs of the killed run, which end by themselves."""
    end, told = time.monotonic() + _WAIT_S, False
    while not _try_lock(jobs):
        if time.monotonic() > end:
            return False
        if not told:
            tell("A run was killed here; waiting until its jobs have saved and ended.")
            told = True
        time.sleep(0.2)
    return True
