"""Outlines of hair behind and before the head."""

from dataclasses import dataclass

import numpy as np

from affectflow.demo.drawing.curves import HeadPose, Points, smooth
from affectflow.demo.drawing.identity import HAIR_STYLES, Identity


@dataclass(frozen=True)
class _Cut:
    """One style: how much volume counts, how low it falls, and how far it hides the temples."""

    volume: float
    side_end: float
    fall: float | None
    fall_width: float
    opacity: float
    waves: float = 0.0


_CUTS = {
    "shaved": _Cut(0.08, -0.30, None, 0.0, 0.55),
    "short": _Cut(0.55, -0.12, None, 0.0, 0.97),
    "swept": _Cut(1.0, 0.02, None, 0.0, 1.0),
    "bob": _Cut(0.9, 0.62, 0.95, 1.12, 1.0),
    "long": _Cut(0.8, 0.75, 2.6, 1.16, 1.0),
    "bun": _Cut(0.35, -0.15, None, 0.0, 1.0),
    "curly": _Cut(1.4, 0.10, 0.50, 1.12, 1.0, 0.045),
}


@dataclass(frozen=True)
class Hair:
    """Projected outlines of hair."""

    back: list[Points]
    front: Points
    root: Points
    opacity: float


def arrange_hair(identity: Identity, pose: HeadPose) -> Hair:
    """Return the hair of one person in one pose.

    Args:
        identity: The person.
        pose: The pose of the head.
    """
    cut = _CUTS[HAIR_STYLES[identity.hair_style]]
    volume = identity.hair_volume * cut.volume
    angle = np.linspace(np.pi, 2 * np.pi, 25)
    wave = 1 + cut.waves * np.sin(angle * 19 + identity.parting * 9)
    lean = 0.25 * identity.parting * volume
    width, height = (1.0 + 0.75 * volume) * wave, (1.15 + volume) * wave
    crown_x = width * np.cos(angle) + lean * np.sin(-angle)
    crown_y = -0.44 + height * np.sin(angle)
    crown = pose.outline(crown_x, crown_y, -0.1)

    back = [crown]
    if cut.fall is not None:
        side = cut.fall_width + volume
        x = np.array([-side * 0.98, -side, -0.9 * side, 0.0, 0.9 * side, side, side * 0.98])
        y = np.array([-0.4, 0.45 * cut.fall, cut.fall, cut.fall - 0.1, cut.fall, 0.45 * cut.fall, -0.4])
        back.append(pose.outline(np.append(x, crown_x[::-1]), np.append(y, crown_y[::-1]), -0.35))
    if HAIR_STYLES[identity.hair_style] == "bun":
        round_angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        back.append(pose.outline(0.38 * np.cos(round_angle), -1.68 + 0.3 * np.sin(round_angle), -0.4))

    ends = np.array([-1.0, 1.0]) * (1.0 + 0.5 * volume)
    brush = 0.05 * (1 - identity.fringe)
    forehead = identity.hairline + identity.fringe * 0.36
    temple = forehead + 0.26 * (1 - 0.75 * identity.fringe)
    line = np.array(
        [
            (-0.955, cut.side_end),
            (-0.925, 0.5 * (cut.side_end - 0.55)),
            (-0.86, -0.62),
            (-0.68, temple),
            (-0.38, forehead + 0.045),
            (identity.parting * 0.4, forehead - brush),
            (0.38, forehead + 0.045),
            (0.68, temple),
            (0.86, -0.62),
            (0.925, 0.5 * (cut.side_end - 0.55)),
            (0.955, cut.side_end),
        ]
    )
    x, y = line.T
    depth = np.clip(1 - x**2, 0, 1) * 0.5
    hairline = smooth(pose.outline(x, y, depth), 4)
    edge = pose.outline(ends, np.full(2, cut.side_end), 0.0)
    front = np.concatenate([edge[:1], crown, edge[1:], hairline[::-1]])
    root = pose.outline(np.array([0.8 * identity.parting]), np.array([-1.9]), 0.0)[0]
    return Hair(back, front, root, cut.opacity)
