"""What the console knows of the workflow that runs in this process."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from snakemake.logging import logger as snakemake_logger
from snakemake_interface_logger_plugins.common import LogEvent

from affectflow.core.code import ROOT
from affectflow.core.rule import CONSOLE, ended_by_user_error
from affectflow.core.stage import find, parameters
from affectflow.study.running import enter_as_job, enter_as_workflow

_LOOKS = {"--unlock", "--dag", "--rulegraph", "--filegraph", "--report", "--lint", "--summary", "--list-rules"}
"""Options with which snakemake runs no job."""
_PACKAGE = "AFFECTFLOW_PACKAGE"
"""Set for the scripts in ``envs`` that complete an environment which Snakemake made."""


@dataclass(frozen=True, slots=True)
class _Workflow:
    snakemake: Any
    targets: tuple[str, ...]


_CURRENT: list[_Workflow] = []


def attach(workflow: Any, targets: Iterable[str]) -> None:
    """Tell the console of a workflow.

    Args:
        workflow: Snakemake's.
        targets: Files that may be asked for.
    """
    os.environ[_PACKAGE] = str(ROOT)
    if workflow.is_main_process:
        if not (workflow.output_settings.dryrun or _LOOKS & set(sys.argv)):
            enter_as_workflow(snakemake_logger.warning)
    else:
        os.environ.pop(CONSOLE, None)  # a job of a node shows its errors itself
        enter_as_job()
    _CURRENT[:] = [_Workflow(workflow, tuple(targets))]
    snakemake_logger.addFilter(_try_no_mistake_again)


def _try_no_mistake_again(record: logging.LogRecord) -> bool:
    """Let every record pass; where a job failed by a mistake of the user's, take its rule's further tries away.

    Snakemake tries any failed job again, and asks only how often; it logs the failure before it does.
    """
    if getattr(record, "event", None) == LogEvent.JOB_ERROR and _CURRENT:
        facts: Mapping[str, Any] = record.__dict__
        if any(ended_by_user_error(Path(log)) for log in facts["log"]):
            _CURRENT[0].snakemake.get_rule(facts["rule_name"]).restart_times = 0
    return True


def params_of(rule_name: str, wildcards: Mapping[str, str]) -> dict[str, Any]:
    """Return the params of a job, those that are settings by their key of the configuration.

    Args:
        rule_name: Name of the job's rule.
        wildcards: The job's wildcards, by name.
    """
    if not _CURRENT:
        return {}
    rule = _CURRENT[0].snakemake.get_rule(rule_name)
    values = {name: value for name, value in rule.params.items() if name}
    stage = parameters(find(values["stage"])) if "stage" in values else {}
    found: dict[str, Any] = {}
    for name, value in values.items():
        setting = stage[name].setting if name in stage else None
        try:
            found[setting.key if setting else name] = value(SimpleNamespace(**wildcards)) if callable(value) else value
        except (AttributeError, TypeError):
            continue  # it takes more than wildcards
    return found


def nearest_target(name: str) -> str | None:
    """Return the file that may be asked for whose name is the most like another."""
    targets = _CURRENT[0].targets if _CURRENT else ()
    return next(iter(difflib.get_close_matches(name, targets, n=1, cutoff=0.75)), None)
