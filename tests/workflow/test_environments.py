"""Environments that Snakemake makes get the package that the workflow was started with."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import affectflow
from tests.conftest import ROOT


@pytest.mark.parametrize("name", ["base", "tensorflow", "tensorflow-gpu"])
def test_the_package_is_put_into_a_new_environment(name: str, tmp_path: Path) -> None:
    venv.create(tmp_path / "environment", with_pip=False, symlinks=True)
    programs = tmp_path / "environment/bin"
    package = Path(affectflow.__file__).parent
    environment = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "AFFECTFLOW_PACKAGE": str(package)}
    script = ROOT / f"envs/{name}.post-deploy.sh"
    for _ in range(2):  # again after an upgrade
        subprocess.run(["bash", "-e", script], env=environment, cwd=tmp_path, check=True)
    code = "import affectflow.core.errors as errors; print(errors.__file__)"
    found = subprocess.run([programs / "python", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert found.stdout.startswith(f"{tmp_path}/environment/lib/python{sys.version_info[0]}.{sys.version_info[1]}/")
