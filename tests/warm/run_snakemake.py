"""Run snakemake with jobs as forks; the folder of the servers' sockets is in the environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from snakemake.cli import main
from snakemake.script import PythonScript

TENSORS = ("train_model", "predict_benchmark", "predict_affect", "export_model")
_CLIENT = Path(__file__).with_name("client.py")


def _execute(self: Any, fname: str, edit: bool = False) -> None:
    server = "tensors" if self.rulename in TENSORS else "tables"
    address = Path(os.environ["AFFECTFLOW_WARM"]) / server
    self._execute_cmd(f"{sys.executable} -I -S {_CLIENT} {address} {{fname:q}}", fname=fname, is_python_script=True)


PythonScript.execute_script = _execute
main()
