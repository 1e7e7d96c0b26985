"""What a compute node sees; run there by ``affectflow doctor`` as ``python -m affectflow.cluster.node``.

Prints one line of JSON, a :class:`Sight`, after whatever TensorFlow has to say.
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

MARK = "affectflow-node:"


@dataclass(slots=True)
class Sight:
    """``unseen`` paths are there where the doctor runs, and not here. ``driver`` is empty where there is none."""

    host: str
    unseen: list[str] = field(default_factory=list)
    gpus: int = 0
    cuda: str = ""
    driver: str = ""


def look(paths: Sequence[Path], for_gpus: bool) -> Sight:
    """See which paths exist, and, if wanted, which GPUs TensorFlow finds, and for which CUDA it was built."""
    sight = Sight(socket.gethostname(), [str(path) for path in paths if not _exists(path)])
    if for_gpus:
        import tensorflow as tf

        sight.gpus = len(tf.config.list_physical_devices("GPU"))
        sight.cuda = str(tf.sysconfig.get_build_info().get("cuda_version") or "")
        sight.driver = _driver()
    return sight


def said(output: str) -> Sight | None:
    """What a node printed; None where it got no further."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    return Sight(**json.loads(lines[-1].removeprefix(MARK))) if lines else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a folder above it that is closed
        return False


def _driver() -> str:
    words = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    try:
        answer = subprocess.run(words, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.match(r"\d+(?:\.\d+)+", answer.stdout)
    return match.group() if match else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="*")
    parser.add_argument("--gpus", action="store_true")
    options = parser.parse_args()
    print(MARK + json.dumps(asdict(look(options.paths, options.gpus))), flush=True)


if __name__ == "__main__":
    main()
