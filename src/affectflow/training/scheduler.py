"""A training as a job of SLURM: the time that it has, and the way back into the queue."""

from __future__ import annotations

import os
import subprocess

JOB = "SLURM_JOB_ID"
_LEAST_SPARE_S, _MOST_SPARE_S = 60.0, 300.0
_PATIENCE_S = 60.0


def seconds_to_train(runtime_minutes: float | None) -> float | None:
    """After how many seconds a job of so many minutes had better save and stop; None where nobody stops it.

    A tenth is spared, from one to five minutes of it but never more than half, for what was before the training, a step
    and the saving.
    """
    if runtime_minutes is None or JOB not in os.environ:
        return None
    whole = 60 * float(runtime_minutes)
    return whole - min(max(0.1 * whole, _LEAST_SPARE_S), _MOST_SPARE_S, whole / 2)


def requeue() -> bool:
    """Ask that this job wait and run again, which ends it; False where SLURM does not want to."""
    try:
        words = ["scontrol", "requeue", os.environ[JOB]]
        answer = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"scontrol cannot be asked to requeue this job ({error}).", flush=True)
        return False
    print(f"{' '.join(words)}: {answer.stderr.strip() or 'done'}", flush=True)
    return answer.returncode == 0
