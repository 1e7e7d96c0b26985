"""Report what a compute node sees; ``affectflow doctor`` runs this there as ``python -m affectflow.cluster.node``.

It prints a :class:`NodeReport` as one line of JSON, after whatever TensorFlow prints.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

MARKER = "affectflow-node:"
"""Start of the line with the report."""


@dataclass(slots=True)
class NodeReport:
    """What a node sees.

    Attributes:
        host: The node's name.
        missing: Paths that exist on the submitting host and not on the node.
        gpus: How many GPUs TensorFlow finds.
        cuda: The CUDA version that TensorFlow was built for, "" for a build without CUDA.
        driver: The version of NVIDIA's driver, "" if there is none.
    """

    host: str
    missing: list[str] = field(default_factory=list)
    gpus: int = 0
    cuda: str = ""
    driver: str = ""


def inspect_node(paths: Sequence[Path], with_gpus: bool) -> NodeReport:
    """Inspect the node that this runs on.

    Args:
        paths: Paths that should exist.
        with_gpus: Whether TensorFlow is loaded to look for GPUs.
    """
    report = NodeReport(socket.gethostname(), [str(path) for path in paths if not _exists(path)])
    if with_gpus:
        import tensorflow as tf

        report.gpus = len(tf.config.list_physical_devices("GPU"))
        report.cuda = str(tf.sysconfig.get_build_info().get("cuda_version") or "")
        report.driver = _driver()
    return report


def parse_report(output: str) -> NodeReport | None:
    """Find a report in a node's output; None if there is none."""
    lines = [line for line in output.splitlines() if line.startswith(MARKER)]
    return NodeReport(**json.loads(lines[-1].removeprefix(MARKER))) if lines else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a parent folder without permission
        return False


def _driver() -> str:
    words = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    try:
        result = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.match(r"\d+(?:\.\d+)+", result.stdout)
    return match.group() if match else ""


def main() -> None:
    """Print the report for the paths on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--gpus", action="store_true")
    options = parser.parse_args()
    print(MARKER + json.dumps(asdict(inspect_node(options.paths, options.gpus))), flush=True)


if __name__ == "__main__":
    main()
