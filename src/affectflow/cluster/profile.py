"""A Snakemake profile for SLURM: what its rules ask a cluster for."""

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
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(m|min|minutes?|h|hours?|d|days?)")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
_PLAIN = re.compile(r"[\w.+-]+(?:,[\w.+-]+)*")


@dataclass(frozen=True, slots=True)
class Request:
    """What the jobs of a rule ask for; None or empty where the profile is silent.

    ``memory_mb`` and ``minutes`` are the first attempt's, ``most_memory_mb`` and ``most_minutes`` the last one's.
    """

    rule: str
    account: str
    partition: str
    memory_mb: int | None
    minutes: int | None
    most_memory_mb: int | None
    most_minutes: int | None
    threads: int
    gpus: int | None
    gres: str
    more: tuple[str, ...]
    """Other options of sbatch."""
    elsewhere: bool
    """Whether it is another cluster that is asked."""

    def gpus_by_gres(self) -> int:
        """As many as ``gres`` has."""
        match = _GRES.fullmatch(self.gres)
        return int(match.group(2) or 1) if match else 0

    def gres_of(self, count: int) -> str:
        """The same kind of GPU, so many of it."""
        match = _GRES.fullmatch(self.gres)
        return f"{match.group(1) if match else 'gpu'}:{count}"

    def partitions(self) -> list[str]:
        """Their names; none where it depends on a job which they are."""
        return self.partition.split(",") if _PLAIN.fullmatch(self.partition) else []

    def options(self, gpus: int) -> list[str]:
        """Those of sbatch and srun, at the first attempt."""
        asked = {
            "--account": self.account,
            "--partition": self.partition,
            "--mem": self.memory_mb,
            "--time": self.minutes,
            "--cpus-per-task": self.threads,
            "--nodes": 1 if gpus else None,
            "--gres": self.gres,
            "--gpus": 0 if self.gres else gpus,
        }
        return [*(f"{option}={value}" for option, value in asked.items() if value), *self.more]


def read_requests(path: Path) -> list[Request]:
    """By rule, the others last. ``path`` is a profile's folder or its file.

    Raises :class:`UserError` where that is none for SLURM.
    """
    file = path / "config.yaml" if path.is_dir() else path
    try:
        profile = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); name a profile such as profiles/slurm.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(profile, dict) or profile.get("executor") != "slurm":
        raise UserError(f"{file} does not submit to SLURM; set executor: slurm, or name another profile.")
    of_all = {name: profile[f"slurm-{name}"] for name in ("qos", "reservation") if f"slurm-{name}" in profile}
    return requests(
        {**of_all, **_pairs(profile.get("default-resources"))},
        _by_rule(profile.get("set-resources")),
        _pairs(profile.get("set-threads")),
        attempts=1 + int(profile.get("retries") or 0),
    )


def requests(
    default: Mapping[str, Any],
    by_rule: Mapping[str, Mapping[str, Any]],
    threads: Mapping[str, Any] | None = None,
    attempts: int = 1,
) -> list[Request]:
    """From resources that all rules ask for, and those of single ones, as Snakemake takes them."""
    return [
        *(_request(rule, {**default, **own}, (threads or {}).get(rule), attempts) for rule, own in by_rule.items()),
        _request(OTHERS, default, None, attempts),
    ]


def _request(rule: str, resources: Mapping[str, Any], threads: Any, attempts: int) -> Request:
    options = {"--qos": "qos", "--constraint": "constraint", "--reservation": "reservation"}
    given = {option: _text(resources.get(name)) for option, name in options.items()}
    more = [f"{option}={value}" for option, value in given.items() if value]
    memory, runtime = resources.get("mem_mb"), resources.get("runtime")
    return Request(
        rule,
        account=_text(resources.get("slurm_account")),
        partition=_text(resources.get("slurm_partition")),
        memory_mb=_number(memory, 1),
        minutes=_minutes(runtime, 1),
        most_memory_mb=_number(memory, attempts),
        most_minutes=_minutes(runtime, attempts),
        threads=_number(resources.get("cpus_per_task", threads), 1) or 0,
        gpus=_number(resources.get("gpu"), 1),
        gres=_text(resources.get("gres")),
        more=(*more, *shlex.split(_text(resources.get("slurm_extra")))),
        elsewhere=any(resources.get(name) for name in ("cluster", "clusters", "slurm_cluster")),
    )


def _pairs(resources: Any) -> dict[str, Any]:
    """A mapping, or a list of ``name=value``."""
    if isinstance(resources, dict):
        return resources
    pairs = (str(text).partition("=") for text in resources or ())
    return {name: value for name, _, value in pairs}


def _by_rule(resources: Any) -> dict[str, dict[str, Any]]:
    """Mappings by rule, or a list of ``rule:name=value``."""
    if isinstance(resources, dict):
        return {rule: _pairs(of_rule) for rule, of_rule in resources.items()}
    found: dict[str, dict[str, Any]] = {}
    for text in resources or ():
        rule, _, pair = str(text).partition(":")
        found.setdefault(rule, {}).update(_pairs([pair]))
    return found


def _text(value: Any) -> str:
    """Without the quotes that keep Snakemake from evaluating it."""
    text = "" if value is None else str(value)
    quoted = re.fullmatch(r"(['\"])([^'\"]*)\1", text)
    return quoted.group(2) if quoted else text


def _minutes(value: Any, attempt: int) -> int | None:
    """Also of ``4h`` and the like."""
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    return round(float(match.group(1)) * _MINUTES[match.group(2)[0]]) if match else _number(value, attempt)


def _number(value: Any, attempt: int) -> int | None:
    """Of an expression such as ``min(2000 * 2 ** (attempt - 1), 32000)``, its value at an attempt."""
    if isinstance(value, str):
        try:
            # A profile is as trustworthy as a Snakefile, in which Snakemake evaluates the same.
            value = eval(value, {"__builtins__": {}, "attempt": attempt, "min": min, "max": max})
        except Exception:  # of whatever kind: it depends on what is not known here
            return None
    return int(value) if isinstance(value, (int, float)) else None
