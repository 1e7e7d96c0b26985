"""Who sits before the demo's cameras: people who are rendered, or drawn flat."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affectflow.demo.drawing import draw_face, draw_identity, draw_scene
from affectflow.demo.drawing.identity import Identity
from affectflow.demo.drawing.scene import Scene

Intensities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sway:
    """How a head has moved since the beginning of a video, in radians, and the number of the frame."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    frame: int = 0


STILL = Sway()


class Sitter(Protocol):
    """Somebody in a scene."""

    def photograph(self, intensity: Intensities, side: int, sway: Sway = ...) -> NDArray[np.uint8]:
        """Return an RGB image, uint8 [side, side, 3].

        Args:
            intensity: float32 [60], of AU k at index k - 1, from 0 to 5; on the side that shows it more.
            side: Side of the image in pixels.
            sway: How the head has moved.
        """


@dataclass(frozen=True, slots=True)
class Studio:
    """What makes sitters.

    Attributes:
        head: File of the head that is rendered; None where all are drawn.
        drawn: Share of the people who are drawn.
    """

    head: Path | None
    drawn: float

    def invite(self, rng: np.random.Generator, style: str) -> Sitter:
        """Return a random person in a random scene.

        Args:
            rng: Source of randomness.
            style: Kind of footage, of ``SCENE_STYLES``.
        """
        is_drawn = rng.random() < self.drawn  # in any case, so that the share does not change who is who
        if is_drawn or self.head is None:
            return _Drawn(draw_identity(rng), draw_scene(rng, style))
        from affectflow.demo.rendered import invite_rendered  # with a compiler, which drawings do without

        return invite_rendered(self.head, rng, style)


@dataclass(frozen=True, slots=True)
class _Drawn:
    identity: Identity
    scene: Scene

    def photograph(self, intensity: Intensities, side: int, sway: Sway = STILL) -> NDArray[np.uint8]:
        moment = replace(
            self.scene,
            yaw=self.scene.yaw + sway.yaw,
            pitch=self.scene.pitch + sway.pitch,
            roll=self.scene.roll + sway.roll,
            seed=self.scene.seed + sway.frame,
        )
        return draw_face(self.identity, moment, intensity, side)
