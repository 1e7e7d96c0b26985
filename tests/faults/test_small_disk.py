"""A disk that is full at each stage of the workflow: a sentence each time, and the same command goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.small_disk import SIZES_KB


@pytest.mark.privileged
@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="needs root and mount")
def test_the_workflow_on_a_disk_that_is_too_small(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.faults.small_disk", str(tmp_path / "work")]
    run = subprocess.run(["unshare", "--mount", *program], capture_output=True, text=True, timeout=600, cwd=ROOT)
    told = json.loads(run.stdout.splitlines()[-1])
    *failed, (size, status, output) = told["runs"]
    assert (size, status) == (SIZES_KB[-1], 0), output
    for size, status, output in failed:
        assert status == 1, size
        assert "free disk space" in output, (size, output)
        assert "Traceback" not in output and "without a word" not in output, (size, output)
    assert any("train_model" in output and "checkpoint" in output for _, _, output in failed)
    assert "Nothing to be done" in told["again"]
    assert told["left"] == []
