"""A Snakemake profile for SLURM: what its rules ask a cluster for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from affectflow.errors import UserError

OTHERS = "all other rules"
_GRES = re.compile(r"gpu(?::[A-Za-z][\w.]*)?(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Request:
    """What the jobs of a rule ask for at their first attempt; None or empty where the profile is silent."""

    rule: str
    account: str
    partition: str
    memory_mb: int | None
    minutes: int | None
    gpus: int | None
    gres: str

    def gpus_by_gres(self) -> int:
        """As many as ``gres`` has."""
        match = _GRES.fullmatch(self.gres)
        return int(match.group(1) or 1) if match else 0

    def options(self, gpus: int) -> list[str]:
        """Those of sbatch and srun."""
        asked = {
            "--account": self.account,
            "--partition": self.partition,
            "--mem": self.memory_mb,
            "--time": self.minutes,
            "--gres": self.gres,
            "--gpus": 0 if self.gres else gpus,
        }
        return [f"{option}={value}" for option, value in asked.items() if value]


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
    return requests(_pairs(profile.get("default-resources")), _by_rule(profile.get("set-resources")))


def requests(default: Mapping[str, Any], by_rule: Mapping[str, Mapping[str, Any]]) -> list[Request]:
    """From resources that all rules ask for, and those of single ones, as Snakemake takes them."""
    return [
        *(_request(rule, {**default, **resources}) for rule, resources in by_rule.items()),
        _request(OTHERS, default),
    ]


def _request(rule: str, resources: Mapping[str, Any]) -> Request:
    return Request(
        rule,
        _text(resources.get("slurm_account")),
        _text(resources.get("slurm_partition")),
        _number(resources.get("mem_mb")),
        _number(resources.get("runtime")),
        _number(resources.get("gpu")),
        _text(resources.get("gres")),
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
    return "" if value is None else str(value).strip("'\"")


def _number(value: Any) -> int | None:
    """Of an expression such as ``min(2000 * 2 ** (attempt - 1), 32000)``, its value at the first attempt."""
    if isinstance(value, str):
        try:
            # A profile is as trustworthy as a Snakefile, in which Snakemake evaluates the same.
            value = eval(value, {"__builtins__": {}, "attempt": 1, "min": min, "max": max})
        except Exception:  # of whatever kind: it depends on what is not known here
            return None
    return int(value) if isinstance(value, (int, float)) else None
