"""People before the demo's cameras who are rendered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.demo.sitters import STILL, Intensities, Sway
from affectflow.rendering.anatomy import ONE_SIDED
from affectflow.rendering.head import Head, read_head
from affectflow.rendering.person import draw_person
from affectflow.rendering.render import Figure, make_figure, render
from affectflow.rendering.scene import Scene, draw_scene

_DIMPLER = 14
_ONE_SIDE, _ONE_SIDE_DIMPLER = 0.06, 0.5
"""How many people show an action unit on one side more than on the other; contempt is mostly one-sided."""


def invite_rendered(head_file: Path, rng: np.random.Generator, style: str) -> RenderedSitter:
    """Return a random person in a random scene.

    Args:
        head_file: The head file.
        rng: Source of randomness.
        style: Kind of footage, of ``SCENE_STYLES``.
    """
    head = read_head(head_file)
    figure = make_figure(head, draw_person(rng, head.target_names))
    left, right = np.ones(facs.COUNT, np.float32), np.ones(facs.COUNT, np.float32)
    for unit in ONE_SIDED:
        if rng.random() < (_ONE_SIDE_DIMPLER if unit == _DIMPLER else _ONE_SIDE):
            (left if rng.random() < 0.5 else right)[unit - 1] = rng.uniform(0, 0.3)
    return RenderedSitter(head, figure, draw_scene(rng, style), left, right)


@dataclass(frozen=True, slots=True, eq=False)
class RenderedSitter:
    """Somebody in a scene; ``left`` and ``right`` are how much of each action unit shows on the sides of the face."""

    head: Head
    figure: Figure
    scene: Scene
    left: Intensities
    right: Intensities

    def photograph(self, intensity: Intensities, side: int, sway: Sway = STILL) -> NDArray[np.uint8]:
        """Return an RGB image; see :class:`affectflow.demo.sitters.Sitter`."""
        moment = replace(
            self.scene,
            yaw=self.scene.yaw + sway.yaw,
            pitch=self.scene.pitch + sway.pitch,
            roll=self.scene.roll + sway.roll,
            seed=self.scene.seed + sway.frame,
        )
        return render(self.head, self.figure, intensity * self.left, moment, side, intensity * self.right).pixels
