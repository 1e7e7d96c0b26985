"""How fast faces are rendered, and drawn, in images a CPU-second. Run as: python -m benchmarks.rendering HEAD.

HEAD is the head file (``results/heads/head.npz``). 128 pixels; everything is compiled before the clock starts, rounds
are interleaved, and each number is the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from affectflow.demo.drawing import draw_face, draw_identity
from affectflow.demo.drawing import draw_scene as draw_flat_scene
from affectflow.rendering.expressions import draw_expression
from affectflow.rendering.head import read_head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import make_figure, render
from affectflow.rendering.scene import draw_scene

SIDE, COUNT = 128, 60
WANTED = {"a new person each": 40, "of people made before": 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    head = read_head(options.head)
    figures = [make_figure(head, draw_person(np.random.default_rng(i), head.target_names)) for i in range(COUNT)]

    def new(number: int) -> None:
        rng = np.random.default_rng([1, number])
        figure = make_figure(head, draw_person(rng, head.target_names))
        render(head, figure, draw_expression(rng), draw_scene(rng, "web"), SIDE)

    def known(number: int) -> None:
        rng = np.random.default_rng([2, number])
        render(head, figures[number % COUNT], draw_expression(rng), draw_scene(rng, "web"), SIDE)

    def drawn(number: int) -> None:
        rng = np.random.default_rng([3, number])
        draw_face(draw_identity(rng), draw_flat_scene(rng, "web"), draw_expression(rng), SIDE)

    ways: dict[str, Callable[[int], None]] = {"a new person each": new, "of people made before": known, "drawn": drawn}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for make in ways.values():
        for number in range(COUNT):
            make(number)
    for turn in range(options.rounds):
        for name, make in ways.items():
            began = time.process_time()
            for number in range(COUNT):
                make(turn * COUNT + number)
            rates[name].append(COUNT / (time.process_time() - began))
    for name, found in rates.items():
        wanted = f" (wanted: >= {WANTED[name]})" if name in WANTED else ""
        print(
            f"{name}: {statistics.median(found):.1f} images a CPU-second, {min(found):.1f} to {max(found):.1f}{wanted}"
        )


if __name__ == "__main__":
    main()
