"""Functions that are the same on every CPU are also right."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import affectflow
from affectflow.rendering import arithmetic


@pytest.mark.parametrize(
    ("own", "theirs", "low", "high", "tolerance"),
    [
        (arithmetic.exp, np.exp, -40, 40, 1e-8),
        (arithmetic.log, np.log, 1e-6, 50, 1e-7),
        (arithmetic.sin, np.sin, -20, 20, 1e-6),
        (arithmetic.cos, np.cos, -20, 20, 1e-6),
    ],
)
def test_functions_are_those_of_numpy(
    own: Callable[[float], float], theirs: Callable[[float], float], low: float, high: float, tolerance: float
) -> None:
    for x in np.linspace(low, high, 999):
        assert own(float(x)) == pytest.approx(theirs(x), rel=tolerance, abs=tolerance)


def test_powers() -> None:
    for x in np.linspace(0.001, 8, 57):
        for y in (0.3, 1 / 2.4, 1.0, 2.4):
            assert arithmetic.power(float(x), y) == pytest.approx(x**y, rel=1e-6)
    assert arithmetic.power(0.0, 2.4) == 0 and arithmetic.power(1.0, 0.3) == 1


def test_angles_in_all_quarters() -> None:
    for angle in np.linspace(-3.14, 3.14, 201):
        for far in (0.01, 30.0):
            x, y = far * np.cos(angle), far * np.sin(angle)
            assert arithmetic.arctan2(float(y), float(x)) == pytest.approx(angle, abs=2e-4)
    assert arithmetic.arctan2(0.0, 0.0) == 0


def test_a_changed_function_is_compiled_anew_where_others_call_it(tmp_path: Path) -> None:
    """Numba itself would go on with what it compiled, because the caller's own file is the same."""
    copy = tmp_path / "affectflow"
    shutil.copytree(
        Path(affectflow.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "workflow_files")
    )
    (copy / "rendering" / "caller.py").write_text(
        "from affectflow.rendering.arithmetic import kernel, smooth\n\n\n@kernel\ndef half(x):\n    return smooth(0.0, x, 1.0)\n"
    )
    script = "from affectflow.rendering.caller import half; print(half(2.0))"
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}

    def run() -> float:
        command = [sys.executable, "-c", script]
        done = subprocess.run(
            command, env={**environment, "PYTHONPATH": str(tmp_path)}, check=True, capture_output=True, text=True
        )
        return float(done.stdout)

    assert run() == run() == 0.5
    source = copy / "rendering" / "arithmetic.py"
    source.write_text(source.read_text().replace("return t * t * (3.0 - 2.0 * t)", "return 7.0 * t"))
    assert run() == 3.5
