"""Share one machine's GPUs and cores between processes of one user that do not know each other.

Each GPU and each core has a file that the process computing on it keeps locked. The system unlocks it when the process
ends, however it ends, so nothing needs to be cleaned up. Lease GPUs before TensorFlow is loaded, since it takes every
GPU it sees.
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psutil

from affectflow.cluster.job import JOB

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
_QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
_PAUSE_S = 0.5


class Lease:
    """GPUs or cores that belong to this process until it ends or closes the lease."""

    def __init__(self, devices: Sequence[str], locks: Sequence[IO[str]]) -> None:
        self.devices = tuple(devices)
        self._locks = locks

    def close(self) -> None:
        """Let other processes lease them."""
        for lock in self._locks:
            lock.close()


def lease_gpus(wanted: int, devices: Sequence[str] | None = None, folder: Path | None = None) -> Lease:
    """Wait for free GPUs and make only them visible to this process.

    A cluster's scheduler gives each of its jobs GPUs of its own, numbered from 0 in every job, so there only processes
    of the same job wait for each other.

    Args:
        wanted: How many GPUs; all if there are fewer.
        devices: The GPUs that this process may use; None for those of the driver and ``CUDA_VISIBLE_DEVICES``.
        folder: The folder of the lock files; None for one of the user's.
    """
    present = list(devices) if devices is not None else _visible_devices()
    count = min(wanted, len(present))
    folder = _folder_of_locks("gpus", folder) / os.environ.get(JOB, "")
    folder.mkdir(exist_ok=True)
    logged = False
    while True:
        taken: list[tuple[str, IO[str]]] = []
        for device in present:
            if len(taken) < count and (lock := _lock(folder / device)) is not None:
                taken.append((device, lock))
        if len(taken) == count:
            break
        # Two processes that each hold some GPUs and wait for more would wait for ever.
        for _, lock in taken:
            lock.close()
        if not logged:
            log.info("Waiting for %d of %d GPUs; other processes use them.", count, len(present))
            logged = True
        time.sleep(_PAUSE_S)
    if present:
        os.environ[VISIBLE] = ",".join(device for device, _ in taken) or "-1"
    return Lease([device for device, _ in taken], [lock for _, lock in taken])


def lease_cores(wanted: int, folder: Path | None = None) -> Lease:
    """Limit this process to as many cores as it was given, if there are more.

    Cores of which no other process has a lease come first. There is no waiting: whoever starts more than there are
    cores shares them.

    Args:
        wanted: How many cores; 0 for all.
        folder: The folder of the lock files; None for one of the user's.
    """
    present = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if not 0 < wanted < len(present):
        return Lease([], [])
    free: dict[int, IO[str]] = {}
    try:
        folder = _folder_of_locks("cores", folder)
        present.sort(key=_load_of_cores().__getitem__)  # of other users' processes, too
        for core in present:
            if len(free) < wanted and (lock := _lock(folder / str(core))) is not None:
                free[core] = lock
        taken = sorted(present, key=lambda core: core not in free)[:wanted]
        os.sched_setaffinity(0, taken)
    except (OSError, LookupError) as error:
        log.warning("The training may use more than %d cores: %s", wanted, error)
        return Lease([], list(free.values()))
    return Lease([str(core) for core in taken], list(free.values()))


def _load_of_cores() -> dict[int, float]:
    """Return how busy each core is, in percent."""
    return dict(enumerate(psutil.cpu_percent(interval=_PAUSE_S, percpu=True)))


def _folder_of_locks(kind: str, folder: Path | None) -> Path:
    """Return the folder of this user's lock files."""
    of_user = folder or Path(tempfile.gettempdir()) / f"affectflow-{kind}-{os.getuid()}"
    of_user.mkdir(mode=0o700, parents=True, exist_ok=True)
    return of_user


def _visible_devices() -> list[str]:
    """List GPUs by UUID if the driver reports it, so that a GPU has the same lock file by number and by UUID."""
    uuids = _uuids()
    limited = os.environ.get(VISIBLE)
    if limited is None:
        return list(uuids.values())
    names = [name.strip() for name in limited.split(",")]
    return [uuids.get(name, name) for name in names if name and name != "-1"]


def _uuids() -> dict[str, str]:
    """Return the UUIDs of GPUs by number; empty without a driver."""
    try:
        result = subprocess.run(_QUERY, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if result.returncode:
        return {}
    pairs = (line.partition(",") for line in result.stdout.splitlines() if "," in line)
    return {number.strip(): uuid.strip() for number, _, uuid in pairs}


def _lock(path: Path) -> IO[str] | None:
    stream = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        stream.close()
        return None
    return stream
