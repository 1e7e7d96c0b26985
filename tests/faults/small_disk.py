"""A program: the tiny workflow on a disk that is too small, and grows each time that it has said so.

Run it in a mount namespace of its own, with a folder; it prints a JSON list of runs: size, status, output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import new_workflow

SIZES_KB = (300, 700, 1400, 2000, 2600, 3200, 4000, 40_000, 100_000, 300_000)
TARGETS = ("results/eval/disfa_vgg.json", "results/eval/summary.csv")


def main(folder: Path) -> None:
    workflow = new_workflow(folder)
    results = folder / "results"
    results.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", results], check=True)
    runs = []
    for size in SIZES_KB:
        subprocess.run(["mount", "-o", f"remount,size={size}k", results], check=True)
        result = workflow.run(*TARGETS)
        runs.append((size, result.status, result.output))
        if result.status == 0:
            break
    again = workflow.run(*TARGETS)
    left = [path.name for path in results.rglob("*.partial*")]
    print(json.dumps({"runs": runs, "again": again.output, "left": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
