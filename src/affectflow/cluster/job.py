"""A training as a job of SLURM: the time that it has, and the way back into the queue."""

from __future__ import annotations

import os

from affectflow.cluster.slurm import ask, last_line, seconds_of

JOB = "SLURM_JOB_ID"
_LEAST_SPARE_S, _MOST_SPARE_S = 60.0, 300.0


def seconds_to_train(runtime_minutes: float | None) -> float | None:
    """After how many seconds a job had better save and stop; None where nobody stops it.

    SLURM says what is left of its time; where that cannot be asked, it is what the job was given. A tenth is spared,
    from one to five minutes of it but never more than half, for a step and the saving.
    """
    if JOB not in os.environ:
        return None
    answer = ask("squeue", "--noheader", f"--job={os.environ[JOB]}", "--format=%L")
    left: float | None = seconds_of(answer.stdout)
    if left is None and answer.stdout.strip() != "UNLIMITED" and runtime_minutes is not None:
        left = 60 * float(runtime_minutes)
    return None if left is None else left - min(max(0.1 * left, _LEAST_SPARE_S), _MOST_SPARE_S, left / 2)


def requeue() -> bool:
    """Ask that this job wait and run again, which ends it; False where SLURM does not want to."""
    answer = ask("scontrol", "requeue", os.environ[JOB])
    said = "done" if answer.returncode == 0 else last_line(answer.stderr)
    print(f"scontrol requeue {os.environ[JOB]}: {said}", flush=True)
    return answer.returncode == 0
