"""Check, before anything long runs, what would go wrong on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from affectflow import datasets
from affectflow.cluster.doctor import Finding, ResourceRequirements, check_disk_space
from affectflow.cluster.node import NodeReport, parse_report
from affectflow.core.cache import file_sha256
from affectflow.core.errors import UserError
from affectflow.plan import Plan
from affectflow.plan.data import FOLDERS
from affectflow.tables.files import table_files

_LOOK_S = 120
"""The longest that TensorFlow may take to look for GPUs."""


def examine_workstation(plan: Plan, requirements: ResourceRequirements) -> Iterator[Finding]:
    """Yield what is found: of the configuration, the data, the detector, initial weights, disk space and GPUs.

    Args:
        plan: The plan of the configuration.
        requirements: What the configuration requires.
    """
    yield _configuration(plan)
    yield from (Finding(None, sentence) for sentence in plan.warnings())
    yield from _data(plan)
    yield from _detector(plan)
    yield from _weights(plan)
    yield from check_disk_space(requirements)
    yield _gpus(requirements)


def _configuration(plan: Plan) -> Finding:
    scores = [f"{target}_{run}" for target, run in plan.scores.targets()]
    if not scores:
        return Finding(True, "the configuration scores nothing; name models and the data that they learn from.")
    return Finding(False, f"{len(plan.models.runs)} trainings and {len(scores)} scores, such as {scores[0]}")


def _data(plan: Plan) -> Iterator[Finding]:
    for name in filter(plan.data.configured, FOLDERS):
        root = Path(plan.data.root(name))
        if plan.data.input_files(name):
            continue  # drawn by the workflow
        fits = datasets.recognize(root) == name
        one = datasets.info(name)
        verb = "has" if fits else "does not have"
        yield Finding(not fits, f"{root} {verb} the layout of {one.title} ({one.layout})")
    for table in () if plan.synthetic or not plan.data.configured("emotionet") else plan.data.tables():
        yield Finding(not table_files(Path(table)), f"{table} is there")


def _detector(plan: Plan) -> Iterator[Finding]:
    search = plan.faces.search()
    if search is None:
        return
    try:
        file = Path(plan.faces.detector() or "")
    except UserError as error:
        yield Finding(True, str(error))
        return
    if not file.is_file():
        yield Finding(
            None, f"{file} is fetched when it is needed, from the internet; or set faces.model.path to a copy."
        )
        return
    right = file_sha256(file) == search["sha256"]
    yield Finding(not right, f"{file} is {'' if right else 'not '}the detector of faces.model.sha256")


def _weights(plan: Plan) -> Iterator[Finding]:
    for run in plan.models.runs:
        try:
            file = plan.models.weights(run)
        except UserError as error:
            yield Finding(True, str(error))
            continue
        if file is not None and not Path(file).is_file():
            yield Finding(None, f"{file} ({run}) is fetched from the internet when needed.")


def _gpus(requirements: ResourceRequirements) -> Finding:
    threads = os.cpu_count() or 1
    report = _look()
    if report is None:
        return Finding(True, "TensorFlow cannot be imported; install affectflow with the extra cpu or gpu.")
    if report.gpus:
        most = max(requirements.gpus.values(), default=0)
        lacks = most > report.gpus
        return Finding(lacks, f"TensorFlow finds {report.gpus} GPUs; a training asks for up to {most}")
    if report.driver and not report.cuda:
        return Finding(
            True, f"there is a GPU (driver {report.driver}), and TensorFlow's build has no CUDA; install the extra gpu."
        )
    if report.driver:
        return Finding(
            True, f"there is a GPU (driver {report.driver}), and TensorFlow (CUDA {report.cuda}) does not find it."
        )
    return Finding(False, f"no GPU: trainings take {threads} CPU threads")


def _look() -> NodeReport | None:
    words = [sys.executable, "-m", "affectflow.cluster.node", "--gpus"]
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=_LOOK_S)
    except subprocess.TimeoutExpired:
        return None
    return parse_report(result.stdout)
