"""The search for faces in one process and in two. Run as: python -m benchmarks.faces DETECTOR.

DETECTOR is YuNet's file (``results/weights/face_detector.onnx`` of a run with ``faces.detector: yunet``, or a copy).
Both look at the same 600 drawn faces of 480 pixels, rounds interleaved, whole stages as the workflow runs them.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from affectflow.demo.drawing import draw_face, draw_identity, draw_scene

COUNT, SIDE, PERSONS = 600, 480, 30


def draw(folder: Path) -> None:
    for number in range(PERSONS):
        rng = np.random.default_rng([9, number])
        drawn = draw_face(draw_identity(rng), draw_scene(rng, "wild"), np.zeros(60, np.float32), SIDE)
        for copy in range(COUNT // PERSONS):
            Image.fromarray(drawn).save(folder / f"{number}-{copy}.jpg", quality=90)
    names = sorted(path.name for path in folder.iterdir())
    (folder / "labels.csv").write_text("image,AU12\n" + "".join(f"{name},0\n" for name in names))


def seconds(folder: Path, detector: Path, processes: int, out: Path) -> float:
    words = ["find-faces", "own", str(folder), "--detector", str(detector), "--processes", str(processes)]
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-m", "affectflow.cli", *words, "--out", str(out)], check=True, capture_output=True, text=True
    ).stdout
    taken = time.monotonic() - began
    print(f"{processes} process(es): {COUNT / taken:.0f} images/s; {said.strip()}", flush=True)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("detector", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        images, out = Path(name, "images"), Path(name, "faces.parquet")
        images.mkdir()
        draw(images)
        taken: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds):
            for processes, found in taken.items():
                found.append(seconds(images, options.detector, processes, out))
    gain = statistics.median(taken[1]) / statistics.median(taken[2])
    print(f"  two processes / one: {gain:.2f} (wanted: >= 1.6)")


if __name__ == "__main__":
    main()
