"""Read from a Snakemake profile for SLURM what the jobs of each rule request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from affectflow.core.errors import UserError

OTHERS = "all other rules"
_GRES = re.compile(r"(gpu(?::(?!\d+$)[\w.]+)?)(?::(\d+))?")
_RUNTIME = re.compile(r"(\d+(?:\.\d+)?)\s*(m|min|minutes?|h|hours?|d|days?)")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
_NAMING = ("slurm_account", "slurm_partition", "qos", "constraint", "reservation")
_NAMES = re.compile(r"[\w.+-]+(?:,[\w.+-]+)*")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What the jobs of a rule request; None, 0 or empty where the profile sets nothing.

    Attributes:
        rule: The rule.
        account: The account that is charged.
        partition: One or several partitions.
        mem_mb: Memory of the first attempt, in MB.
        time_min: Time limit of the first attempt, in minutes.
        max_mem_mb: Memory of the last attempt.
        max_time_min: Time limit of the last attempt.
        cpus_per_task: CPUs.
        gpus: GPUs, by number alone.
        gres: Generic resources, such as ``gpu:a100:2``.
        other_options: Other options of sbatch.
        other_cluster: Whether jobs go to another cluster.
        evaluated: Names that Snakemake would evaluate as Python instead of passing them on.
    """

    rule: str
    account: str
    partition: str
    mem_mb: int | None
    time_min: int | None
    max_mem_mb: int | None
    max_time_min: int | None
    cpus_per_task: int
    gpus: int | None
    gres: str
    other_options: tuple[str, ...]
    other_cluster: bool
    evaluated: tuple[tuple[str, str], ...] = ()

    def gpus_in_gres(self) -> int:
        """Return the number of GPUs in ``gres``."""
        match = _GRES.fullmatch(self.gres)
        return int(match.group(2) or 1) if match else 0

    def gres_with(self, count: int) -> str:
        """Return ``gres`` with another number of GPUs of the same type."""
        match = _GRES.fullmatch(self.gres)
        return f"{match.group(1) if match else 'gpu'}:{count}"

    def partitions(self) -> list[str]:
        """Return the names of the partitions; none if an expression chooses them for each job."""
        return self.partition.split(",") if _NAMES.fullmatch(self.partition) else []

    def options(self, gpus: int) -> list[str]:
        """Return the options of sbatch and srun at the first attempt, with a number of GPUs."""
        options = {
            "--account": self.account,
            "--partition": self.partition,
            "--mem": self.mem_mb,
            "--time": self.time_min,
            "--cpus-per-task": self.cpus_per_task,
            "--nodes": 1 if gpus else None,
            "--gres": self.gres,
            "--gpus": 0 if self.gres else gpus,
        }
        return [*(f"{option}={value}" for option, value in options.items() if value), *self.other_options]


def read_requests(path: Path) -> list[JobRequest]:
    """Read a profile's requests by rule, those of all other rules last.

    Args:
        path: A profile's folder or its file.

    Raises:
        UserError: If it is not a profile for SLURM.
    """
    file = path / "config.yaml" if path.is_dir() else path
    try:
        profile = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); name a profile such as profiles/slurm.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not YAML ({' '.join(str(error).split())}); correct it.") from None
    if not isinstance(profile, dict) or profile.get("executor") != "slurm":
        raise UserError(f"{file} does not submit to SLURM; set executor: slurm, or name another profile.")
    for_all = {name: profile[f"slurm-{name}"] for name in ("qos", "reservation") if f"slurm-{name}" in profile}
    return requests(
        {**for_all, **_pairs(profile.get("default-resources"))},
        _by_rule(profile.get("set-resources")),
        _pairs(profile.get("set-threads")),
        attempts=1 + int(profile.get("retries") or 0),
    )


def requests(
    default: Mapping[str, Any],
    by_rule: Mapping[str, Mapping[str, Any]],
    threads: Mapping[str, Any] | None = None,
    attempts: int = 1,
) -> list[JobRequest]:
    """Make requests from resources as Snakemake takes them.

    Args:
        default: Resources of all rules.
        by_rule: Resources of single rules, which take precedence.
        threads: Threads by rule.
        attempts: How many attempts a job has.

    Returns:
        The requests by rule, those of all other rules last.
    """
    return [
        *(_request(rule, {**default, **own}, (threads or {}).get(rule), attempts) for rule, own in by_rule.items()),
        _request(OTHERS, default, None, attempts),
    ]


def _request(rule: str, resources: Mapping[str, Any], threads: Any, attempts: int) -> JobRequest:
    options = {"--qos": "qos", "--constraint": "constraint", "--reservation": "reservation"}
    values = {option: _text(resources.get(name)) for option, name in options.items()}
    other_options = [f"{option}={value}" for option, value in values.items() if value]
    memory, runtime = resources.get("mem_mb"), resources.get("runtime")
    return JobRequest(
        rule,
        account=_text(resources.get("slurm_account")),
        partition=_text(resources.get("slurm_partition")),
        mem_mb=_number(memory, 1),
        time_min=_minutes(runtime, 1),
        max_mem_mb=_number(memory, attempts),
        max_time_min=_minutes(runtime, attempts),
        cpus_per_task=_number(resources.get("cpus_per_task", threads), 1) or 0,
        gpus=_number(resources.get("gpu"), 1),
        gres=_text(resources.get("gres")),
        other_options=(*other_options, *shlex.split(_text(resources.get("slurm_extra")))),
        other_cluster=any(resources.get(name) for name in ("cluster", "clusters", "slurm_cluster")),
        evaluated=tuple((name, str(value)) for name in _NAMING if _is_evaluated(value := resources.get(name))),
    )


def _is_evaluated(value: Any) -> bool:
    """Return whether a name is also a Python expression: ``2026-1`` is 2025, and ``all`` a function."""
    if not isinstance(value, str) or not _NAMES.fullmatch(value):
        return False
    try:
        eval(value, {})  # letters, digits and . + - , alone, so nothing is called
    except Exception:  # what Snakemake takes for a text, too
        return False
    return True


def _pairs(resources: Any) -> dict[str, Any]:
    """Parse resources given as a mapping or as a list of ``name=value``."""
    if isinstance(resources, dict):
        return resources
    pairs = (str(text).partition("=") for text in resources or ())
    return {name: value for name, _, value in pairs}


def _by_rule(resources: Any) -> dict[str, dict[str, Any]]:
    """Parse resources by rule given as mappings or as a list of ``rule:name=value``."""
    if isinstance(resources, dict):
        return {rule: _pairs(own) for rule, own in resources.items()}
    found: dict[str, dict[str, Any]] = {}
    for text in resources or ():
        rule, _, pair = str(text).partition(":")
        found.setdefault(rule, {}).update(_pairs([pair]))
    return found


def _text(value: Any) -> str:
    """Convert a value to text without the quotes that keep Snakemake from evaluating it."""
    text = "" if value is None else str(value)
    quoted = re.fullmatch(r"(['\"])([^'\"]*)\1", text)
    return quoted.group(2) if quoted else text


def _minutes(value: Any, attempt: int) -> int | None:
    """Convert a run time to minutes: a number, an expression, or a text such as ``4h``."""
    match = _RUNTIME.fullmatch(value.strip()) if isinstance(value, str) else None
    return round(float(match.group(1)) * _MINUTES[match.group(2)[0]]) if match else _number(value, attempt)


def _number(value: Any, attempt: int) -> int | None:
    """Evaluate a number or an expression such as ``min(2000 * 2 ** (attempt - 1), 32000)`` at an attempt."""
    if isinstance(value, str):
        try:
            # Snakemake evaluates the same expressions, so the profile is trusted already.
            value = eval(value, {"__builtins__": {}, "attempt": attempt, "min": min, "max": max})
        except Exception:  # any kind: the expression uses names that are known only in a job
            return None
    return int(value) if isinstance(value, (int, float)) else None
