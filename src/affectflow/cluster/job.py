"""Run a training as a SLURM job: how much time it has, and how it is queued again."""

from __future__ import annotations

import logging
import os

from affectflow.cluster.slurm import duration_s, last_line, run_command

log = logging.getLogger(__name__)

JOB = "SLURM_JOB_ID"
_MIN_MARGIN_S, _MAX_MARGIN_S = 60.0, 300.0


def seconds_to_train(runtime_minutes: float | None) -> float | None:
    """Return after how many seconds a training should save and stop; None if it has no time limit.

    The limit is the time left according to SLURM, else the requested run time. A tenth of it is kept as a margin for
    the current step and the saving: from one to five minutes, but at most half of the time left.

    Args:
        runtime_minutes: The job's requested run time.
    """
    if JOB not in os.environ:
        return None
    result = run_command("squeue", "--noheader", f"--job={os.environ[JOB]}", "--format=%L")
    left: float | None = duration_s(result.stdout)
    if left is None and result.stdout.strip() != "UNLIMITED" and runtime_minutes is not None:
        left = 60 * float(runtime_minutes)
    return None if left is None else left - min(max(0.1 * left, _MIN_MARGIN_S), _MAX_MARGIN_S, left / 2)


def requeue() -> bool:
    """Queue this job again, which ends it; return False if SLURM refuses."""
    result = run_command("scontrol", "requeue", os.environ[JOB])
    reason = "done" if result.returncode == 0 else last_line(result.stderr)
    log.info("scontrol requeue %s: %s", os.environ[JOB], reason)
    return result.returncode == 0
