"""What a person sees of TensorFlow's libraries: nothing, unless something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("keras")


def _run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    words = [sys.executable, "-c", program]
    return subprocess.run(words, env={**kept, **environment}, capture_output=True, text=True, timeout=120)


def test_tensorflow_does_not_greet() -> None:
    result = _run("import affectflow.training.keras_setup, sys; print('ours', file=sys.stderr)")
    assert result.returncode == 0 and result.stderr == "ours\n"


def test_kernels_do_not_depend_on_what_is_imported_first() -> None:
    """Other kernels would give other weights."""
    program = "import affectflow.training.{}; from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"
    for module in ("train", "keras_setup"):
        assert _run(program.format(module)).stdout == "True\n", module


def test_a_failed_import_shows_what_was_said() -> None:
    program = (
        "import os, sys, types\n"
        "class Broken:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'keras': os.write(2, b'no such library'); raise ImportError('broken')\n"
        "sys.meta_path.insert(0, Broken())\n"
        "import affectflow.training.keras_setup\n"
    )
    result = _run(program)
    assert result.returncode != 0 and "no such library" in result.stderr and "broken" in result.stderr
