"""Contact sheets of the rendered faces, for the documentation. Run as: python -m benchmarks.contact_sheets HEAD FOLDER.

HEAD is the head file (``results/heads/head.npz``). People, expressions and scenes come from seeds; none is chosen.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from affectflow.rendering.anatomy import RENDERED_ACTION_UNITS
from affectflow.rendering.expressions import draw_expression
from affectflow.rendering.head import Head, read_head
from affectflow.rendering.person import Person, draw_person
from affectflow.rendering.render import make_figure, render
from affectflow.rendering.scene import Scene, draw_scene

Pixels = NDArray[np.uint8]

EXPRESSIONS: dict[str, dict[int, float]] = {
    "neutral": {},
    "smile": {6: 4, 12: 4.5, 25: 3},
    "surprise": {1: 4, 2: 4, 5: 4, 25: 3, 26: 4},
    "anger": {4: 5, 7: 4, 23: 4},
    "sadness": {1: 4, 4: 3, 15: 4.5, 17: 2},
    "disgust": {9: 5, 10: 3, 4: 2},
}
POSED: dict[str, dict[str, object]] = {
    "man": {"male": 1.0, "age": 0.3, "ancestry": (0.1, 0.2, 0.7), "ita": 42.0},
    "woman": {"male": 0.0, "age": 0.15, "ancestry": (0.6, 0.2, 0.2), "ita": 5.0},
}


def intensity(units: dict[int, float]) -> NDArray[np.float32]:
    found = np.zeros(60, np.float32)
    for unit, value in units.items():
        found[unit - 1] = value
    return found


def grid(images: list[Pixels], columns: int) -> Pixels:
    while len(images) % columns:
        images.append(np.full_like(images[0], 255))
    return np.vstack([np.hstack(images[i : i + columns]) for i in range(0, len(images), columns)])


def captioned(image: Pixels, text: str) -> Pixels:
    out = image.copy()
    for color, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(out, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, thickness, cv2.LINE_AA)
    return out


def people(head: Head) -> Pixels:
    images = []
    for seed in range(10):
        rng = np.random.default_rng([21, seed])
        figure = make_figure(head, draw_person(rng, head.target_names))
        for name, units in EXPRESSIONS.items():
            taken = render(head, figure, intensity(units), draw_scene(rng, "web"), 128).pixels
            images.append(captioned(taken, name) if not seed else taken)
    return grid(images, len(EXPRESSIONS))


def action_units(head: Head, person: Person, scene: Scene) -> Pixels:
    figure = make_figure(head, replace(person, glasses=0.0, hat=False))
    still = {"yaw": 0.0, "pitch": 0.0, "roll": 0.0, "gaze_x": 0.0, "gaze_y": 0.0, "offset_x": 0.0, "offset_y": 0.0}
    plain = replace(scene, **still, scale=1.5, noise=0.2, blur=0.0)
    images = [captioned(render(head, figure, intensity({}), plain, 160).pixels, "neutral")]
    for unit in RENDERED_ACTION_UNITS:
        images.append(captioned(render(head, figure, intensity({unit: 5}), plain, 160).pixels, f"AU{unit}"))
    return grid(images, 7)


def thousand(head: Head) -> Pixels:
    images = []
    for number in range(1000):
        rng = np.random.default_rng([22, number])
        figure = make_figure(head, draw_person(rng, head.target_names))
        images.append(render(head, figure, draw_expression(rng), draw_scene(rng, "web"), 48).pixels)
    return grid(images, 40)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    head = read_head(options.head)
    sheets = {"people": people(head), "thousand": thousand(head)}
    for name, traits in POSED.items():
        rng = np.random.default_rng([23, len(name)])
        person = draw_person(rng, head.target_names, **traits)  # type: ignore[arg-type]
        sheets[f"action_units_{name}"] = action_units(head, person, draw_scene(rng, "laboratory"))
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, sheet in sheets.items():
        Image.fromarray(sheet).save(options.folder / f"{name}.jpg", quality=82)
        print(f"{options.folder / name}.jpg: {sheet.shape[1]} x {sheet.shape[0]}")


if __name__ == "__main__":
    main()
