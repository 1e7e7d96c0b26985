"""Query SLURM with its own commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from affectflow.cluster.profile import JobRequest
from affectflow.core.errors import UserError

_TIMEOUT_S = 60.0
_FIELDS = "%R|%a|%l|%m|%G"  # name, availability, time limit, MB a node, generic resources
_GPUS = re.compile(r"gpu(?::[^:,()]+)*?:(\d+)")
_DURATION = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(?:(\d+):)?(\d+)")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition with the limits of its largest node.

    Attributes:
        name: Its name.
        up: Whether it accepts and runs jobs.
        time_limit_min: In minutes, None if there is no limit.
        mem_mb: The most memory of a node, in MB.
        gpus: The most GPUs of a node.
    """

    name: str
    up: bool
    time_limit_min: int | None
    mem_mb: int
    gpus: int


def partitions() -> dict[str, Partition]:
    """Return the cluster's partitions by name; raise :class:`UserError` if SLURM does not answer."""
    if shutil.which("sinfo") is None:
        raise UserError("SLURM's commands are not installed here; run this on the cluster's login node.")
    result = run_command("sinfo", "--all", "--noheader", f"--format={_FIELDS}")
    if result.returncode:
        raise UserError(f"SLURM does not answer ({last_line(result.stderr)}); ask the cluster's administrators.")
    found: dict[str, Partition] = {}
    for line in result.stdout.splitlines():
        name, availability, limit, memory, gres = line.split("|")
        before = found.get(name, Partition(name, True, None, 0, 0))
        limit_s = duration_s(limit)
        found[name] = Partition(
            name,
            up=availability == "up",
            time_limit_min=None if limit_s is None else limit_s // 60,
            mem_mb=max(before.mem_mb, int(memory.rstrip("+"))),
            gpus=max(before.gpus, sum(map(int, _GPUS.findall(gres)))),
        )
    return found


def unknown_partition(requests: Iterable[JobRequest], known: Iterable[str]) -> str | None:
    """Return a sentence on the first requested partition that does not exist; None if all exist.

    Args:
        requests: The requests of a profile; those for other clusters are not checked.
        known: The names of the cluster's partitions.
    """
    names = list(known)
    for request in requests:
        for name in request.partitions():
            if not request.other_cluster and name not in names:
                return f"There is no partition {name!r}, which the profile names; sinfo lists {', '.join(names)}."
    return None


def accounts(user: str) -> list[str] | None:
    """Return the accounts that a user may charge; None if the cluster has no accounting or does not answer."""
    if shutil.which("sacctmgr") is None:
        return None
    result = run_command("sacctmgr", "-n", "-P", "show", "associations", f"user={user}", "format=account")
    return None if result.returncode else list(dict.fromkeys(result.stdout.split()))


def min_job_age_s() -> int | None:
    """Return how many seconds the controller keeps ended jobs (MinJobAge); None if it does not answer."""
    match = re.search(r"^MinJobAge\s*=\s*(\d+)", run_command("scontrol", "show", "config").stdout, re.MULTILINE)
    return int(match.group(1)) if match else None


def refusal(options: Sequence[str]) -> str | None:
    """Return why sbatch would refuse a job with these options, None if it would not. Nothing is submitted."""
    result = run_command("sbatch", "--test-only", *options, "--wrap=true")
    return last_line(result.stderr).removeprefix("sbatch: error: ") if result.returncode else None


def run_command(*words: str, timeout_s: float = _TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Run a command; one that is missing or takes too long ends with status 1 and the reason on its stderr."""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout_s)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def last_line(text: str) -> str:
    """Return the last line of a command's error output, where it gives the reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def duration_s(text: str) -> int | None:
    """Parse ``days-hours:minutes:seconds``, ``hours:minutes:seconds`` or ``minutes:seconds``; None for ``infinite``."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    days, first, second, last = match.groups()
    hours, minutes = (first, second) if second is not None else (None, first)
    return 86400 * int(days or 0) + 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(last)
