"""GPUs of one machine, shared by one user's processes that know nothing of each other.

Each GPU has a file that whoever computes on it keeps locked. The system unlocks it when the process ends, however it
ends, so nothing is left to clean up. Light: TensorFlow must not be there yet, for it takes every GPU that it sees.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from affectflow.cluster.job import JOB

_QUESTION = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
_PAUSE_S = 0.5
VISIBLE = "CUDA_VISIBLE_DEVICES"


class Lease:
    """GPUs that belong to this process until it ends or closes the lease."""

    def __init__(self, devices: Sequence[str], locks: Sequence[IO[str]]) -> None:
        self.devices = tuple(devices)
        self._locks = locks

    def close(self) -> None:
        """Give them back."""
        for lock in self._locks:
            lock.close()


def lease_gpus(wanted: int, devices: Sequence[str] | None = None, folder: Path | None = None) -> Lease:
    """Wait for ``wanted`` free GPUs, or for all where there are fewer, and let this process see no others.

    ``devices`` are those that this process may use, None to ask the driver and ``CUDA_VISIBLE_DEVICES``. A cluster's
    scheduler gives each of its jobs GPUs of its own, numbered from 0 in every job: only processes of the same job wait
    for each other there.
    """
    present = list(devices) if devices is not None else _present()
    count = min(wanted, len(present))
    folder = (folder or Path(tempfile.gettempdir()) / f"affectflow-gpus-{getpass.getuser()}") / os.environ.get(JOB, "")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = False
    while True:
        taken: list[tuple[str, IO[str]]] = []
        for device in present:
            if len(taken) < count and (lock := _lock(folder / device)) is not None:
                taken.append((device, lock))
        if len(taken) == count:
            break
        # Holding some while waiting for others could last for ever if another does the same.
        for _, lock in taken:
            lock.close()
        if not told:
            print(f"Waiting for {count} of {len(present)} GPUs; others compute on them.", flush=True)
            told = True
        time.sleep(_PAUSE_S)
    if present:
        os.environ[VISIBLE] = ",".join(device for device, _ in taken) or "-1"
    return Lease([device for device, _ in taken], [lock for _, lock in taken])


def _present() -> list[str]:
    """By UUID where the driver tells it, so that whoever names GPUs by their numbers meets the same files."""
    known = _asked()
    limited = os.environ.get(VISIBLE)
    if limited is None:
        return list(known.values())
    names = [name.strip() for name in limited.split(",")]
    return [known.get(name, name) for name in names if name and name != "-1"]


def _asked() -> dict[str, str]:
    """UUIDs by number; empty where there is no driver."""
    try:
        answer = subprocess.run(_QUESTION, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if answer.returncode:
        return {}
    pairs = (line.partition(",") for line in answer.stdout.splitlines() if "," in line)
    return {number.strip(): uuid.strip() for number, _, uuid in pairs}


def _lock(path: Path) -> IO[str] | None:
    stream = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream
