"""One finished small run, which the tests copy and disturb."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT, Workflow, new_workflow

SCORES = tuple(f"results/eval/{name}_resnet.json" for name in ("disfa", "amfed", "affwild", "emotionet"))
_CODE = ("Snakefile", "rules", "workflow", "src", "config", "profiles", "envs")


def copy_code(target: Path) -> Path:
    """A checkout of the working tree with new modification times."""
    target.mkdir(parents=True)
    for name in _CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, target / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copy
            )
        else:
            shutil.copy(source, target / name)
    return target


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """Scores of one model on all four benchmarks. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("finished")
    workflow = new_workflow(folder / "work", copy_code(folder / "code"))
    workflow.succeed(*SCORES)
    return workflow


@pytest.fixture
def copy(finished: Workflow, tmp_path: Path) -> Iterator[Workflow]:
    """A copy of the finished run and of the code, as a fresh clone that was given results/ and .snakemake/."""
    shutil.copytree(finished.folder, tmp_path / "work")
    yield replace(finished, folder=tmp_path / "work", root=copy_code(tmp_path / "code"))
    shutil.rmtree(tmp_path, ignore_errors=True)
