"""What SLURM says of itself, asked by its own commands."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from affectflow.cluster.profile import Request
from affectflow.core.errors import UserError

_PATIENCE_S = 60.0
_FIELDS = "%R|%a|%l|%m|%G"  # name, availability, time limit, MB a node, generic resources
_GPUS = re.compile(r"gpu(?::[^:,()]+)*?:(\d+)")
_TIME = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(?:(\d+):)?(\d+)")


@dataclass(frozen=True, slots=True)
class Partition:
    """Of the largest of its nodes the memory in MB and the GPUs; ``minutes`` None where there is no limit."""

    name: str
    up: bool
    minutes: int | None
    memory_mb: int
    gpus: int


def partitions() -> dict[str, Partition]:
    """By name; raises :class:`UserError` where SLURM is not to be had."""
    if shutil.which("sinfo") is None:
        raise UserError("SLURM's commands are not installed here; run this on the cluster's login node.")
    answer = ask("sinfo", "--all", "--noheader", f"--format={_FIELDS}")
    if answer.returncode:
        raise UserError(f"SLURM does not answer ({last_line(answer.stderr)}); ask the cluster's administrators.")
    found: dict[str, Partition] = {}
    for line in answer.stdout.splitlines():
        name, up, limit, memory, gres = line.split("|")
        before = found.get(name, Partition(name, True, None, 0, 0))
        gpus = sum(map(int, _GPUS.findall(gres)))
        memory_mb = int(memory.rstrip("+"))
        found[name] = Partition(
            name, up == "up", _minutes(limit), max(before.memory_mb, memory_mb), max(before.gpus, gpus)
        )
    return found


def unknown_partition(requests: Iterable[Request], known: Iterable[str]) -> str | None:
    """A sentence on the first partition that there is not; None where there are all, as far as can be told."""
    names = list(known)
    for request in requests:
        for name in request.partitions():
            if not request.elsewhere and name not in names:
                return f"There is no partition {name!r}, which the profile names; sinfo knows {', '.join(names)}."
    return None


def accounts(user: str) -> list[str] | None:
    """That a user may charge; None where the cluster does not tell, or keeps no accounts."""
    if shutil.which("sacctmgr") is None:
        return None
    answer = ask("sacctmgr", "-n", "-P", "show", "associations", f"user={user}", "format=account")
    return None if answer.returncode else list(dict.fromkeys(answer.stdout.split()))


def least_job_age() -> int | None:
    """For how many seconds the controller remembers a job that has ended; None where it does not say."""
    match = re.search(r"^MinJobAge\s*=\s*(\d+)", ask("scontrol", "show", "config").stdout, re.MULTILINE)
    return int(match.group(1)) if match else None


def refusal(options: Sequence[str]) -> str | None:
    """Why sbatch would not take a job with such options; None where it would. Nothing is submitted."""
    answer = ask("sbatch", "--test-only", *options, "--wrap=true")
    return last_line(answer.stderr).removeprefix("sbatch: error: ") if answer.returncode else None


def ask(*words: str, timeout: float = _PATIENCE_S) -> subprocess.CompletedProcess[str]:
    """One of SLURM's commands; one that takes too long has failed."""
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, "", str(error))


def last_line(text: str) -> str:
    """Where a command says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "without a word"


def seconds_of(duration: str) -> int | None:
    """Of ``days-hours:minutes:seconds``, ``hours:minutes:seconds`` or ``minutes:seconds``; None of ``infinite``."""
    match = _TIME.fullmatch(duration.strip())
    if match is None:
        return None
    days, first, second, last = match.groups()
    hours, minutes = (first, second) if second is not None else (None, first)
    return 86400 * int(days or 0) + 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(last)


def _minutes(limit: str) -> int | None:
    seconds = seconds_of(limit)
    return None if seconds is None else seconds // 60
