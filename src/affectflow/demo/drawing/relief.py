"""Light on the head: a height map of soft bumps, shaded under the light of the scene.

Every bump is an axis-aligned Gaussian in the head frame, so the slopes of all of them together
are two small matrix products. Muscles that bunch up under the skin (FACS "bulges") are bumps too.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectflow.demo.drawing.geometry import Face
from affectflow.demo.drawing.scene import Scene

Grid = NDArray[np.float32]

COLUMNS, ROWS = 96, 128
LEFT, RIGHT, TOP, BOTTOM = -1.6, 1.6, -2.0, 2.2
# Head frame <- grid pixel, the map the shading is warped with.
GRID_TO_HEAD = np.array(
    [
        [(RIGHT - LEFT) / (COLUMNS - 1), 0.0, LEFT],
        [0.0, (BOTTOM - TOP) / (ROWS - 1), TOP],
        [0.0, 0.0, 1.0],
    ]
)


@dataclass(frozen=True)
class Shading:
    """Light and tint over the head frame grid."""

    light: Grid
    gloss: Grid
    redness: Grid


@lru_cache(maxsize=1)
def _axes() -> tuple[Grid, Grid]:
    return (
        np.linspace(LEFT, RIGHT, COLUMNS, dtype=np.float32),
        np.linspace(TOP, BOTTOM, ROWS, dtype=np.float32),
    )


@lru_cache(maxsize=1)
def _head_slope() -> tuple[Grid, Grid, Grid]:
    """Normal of the smooth head under all features."""
    x, y = _axes()
    across = np.broadcast_to(np.clip(x / 1.12, -1, 1)[None, :], (ROWS, COLUMNS))
    down = np.broadcast_to(np.clip(y / 1.9, -0.9, 0.9)[:, None], (ROWS, COLUMNS))
    facing = np.sqrt(np.maximum(1 - np.square(across) - np.square(down), np.float32(0.12)))
    return across.copy(), np.float32(0.75) * down, facing


class _Bumps:
    """A growing list of Gaussians: position, width, height of rest and amplitude."""

    def __init__(self, face: Face) -> None:
        self._face = face
        self._rows: list[tuple[float, float, float, float, float, float]] = []

    def add(self, x: float, y: float, width: float, height: float, amplitude: float, raised: float = 0.0) -> None:
        if amplitude:
            self._rows.append((x, y, width, height, amplitude, raised))

    def pair(self, x: float, y: float, width: float, height: float, amplitude: float, raised: float = 0.0) -> None:
        self.add(-x, y, width, height, amplitude, raised)
        self.add(x, y, width, height, amplitude, raised)

    def profiles(self) -> tuple[Grid, Grid, Grid, Grid, Grid]:
        """Horizontal and vertical profiles of every bump, their offsets, and amplitudes."""
        table = np.array(self._rows)
        center = self._face.pose.face(table[:, 0], table[:, 1], table[:, 5]).astype(np.float32)
        width, height, amplitude = table[:, 2:5].astype(np.float32).T[..., None]
        x, y = _axes()
        across, down = (x - center[:, :1]) / width, (y - center[:, 1:]) / height
        bell_x, bell_y = (np.exp(np.square(axis) * np.float32(-0.5)) for axis in (across, down))
        return bell_x, bell_y, across / width, down / height, amplitude

    def total(self) -> Grid:
        """Sum of the bumps."""
        across, down, _, _, amplitude = self.profiles()
        return down.T @ (amplitude * across)

    def slopes(self) -> tuple[Grid, Grid]:
        """Slopes of the sum of the bumps, to the right and downward."""
        across, down, offset_x, offset_y, amplitude = self.profiles()
        across = amplitude * across
        slope_x: Grid = -down.T @ (offset_x * across)
        slope_y: Grid = -np.multiply(offset_y, down).T @ across
        return slope_x, slope_y


def _heights(face: Face) -> _Bumps:
    """Bumps of bone, flesh and contracted muscle."""
    identity, effects = face.identity, face.effects
    bumps = _Bumps(face)
    male, full, nose = 1 - identity.femininity, identity.cheek_fullness, identity.nose_relief
    eye_x, eye_y, nose_y, mouth_y = identity.eye_spacing, face.eye_y, face.nose_y, face.mouth_y
    bridge = nose_y - eye_y
    bumps.pair(0.36, -0.88, 0.30, 0.24, 0.05)
    bumps.pair(0.86, -0.42, 0.13, 0.28, -0.05)
    bumps.pair(0.40, eye_y - 0.27, 0.22, 0.09, 0.03 + 0.03 * male)
    bumps.pair(0.43, eye_y - 0.05, 0.19, 0.12, -0.075)
    bumps.pair(0.20, eye_y - 0.04, 0.07, 0.11, -0.06)
    bumps.pair(eye_x, eye_y, 0.13, 0.075, 0.045)
    bumps.add(0, eye_y + 0.10 * bridge, 0.085, 0.14, 0.06 * nose, 0.10)
    bumps.add(0, eye_y + 0.45 * bridge, 0.095, 0.18, 0.11 * nose, 0.20)
    bumps.add(0, nose_y - 0.12, 0.125, 0.105, 0.15 * nose, 0.34)
    for side in (-1, 1):
        wing_x, wing_y = face.nose(side)
        bumps.add(0.78 * wing_x, wing_y, 0.075, 0.075, 0.07 * nose, 0.16)
        shift_x, shift_y = face.move("cheek", side)
        rise = 0.07 + 0.03 * full + 0.10 * effects["cheek_bulge"]
        bumps.add(side * 0.55 + shift_x, 0.16 + shift_y, 0.23, 0.17, rise, 0.05)
        corner_x, corner_y = face.corner(side)
        bumps.add(corner_x + side * 0.10, corner_y, 0.055, 0.08, 0.05 * effects["corner_bulge"])
        bumps.add(corner_x + side * 0.015, corner_y, 0.05, 0.05, -0.022)
    bumps.pair(0.64, mouth_y - 0.12, 0.17, 0.22, -0.055 + 0.06 * full)
    bumps.add(0, mouth_y - 0.03, 0.30, 0.18, 0.055, 0.05)
    pucker = 0.05 * max(0.0, effects["lip_bulge"])
    bumps.add(0, mouth_y, 0.16, 0.12, pucker, 0.1)
    chin_y = face.chin_y
    bumps.add(0, chin_y - 0.36, 0.20, 0.06, -0.04 - 0.02 * effects["chin_bulge"])
    bumps.add(0, chin_y - 0.17, 0.20, 0.12, 0.085 + 0.055 * effects["chin_bulge"])
    bumps.add(0, eye_y - 0.24, 0.10, 0.08, 0.045 * effects["glabella_bulge"])
    return bumps


def _hollows(face: Face) -> _Bumps:
    """Places that light from the surroundings hardly reaches."""
    identity, effects = face.identity, face.effects
    bumps = _Bumps(face)
    eye_y, nose_y = face.eye_y, face.nose_y
    bumps.pair(0.38, eye_y - 0.10, 0.18, 0.08, 0.13)
    bumps.pair(0.20, eye_y - 0.04, 0.08, 0.10, 0.10)
    bumps.pair(0.42, eye_y + 0.13, 0.16, 0.05, 0.03 + 0.10 * identity.age)
    bumps.pair(0.16, nose_y - 0.28, 0.05, 0.16, 0.06)
    bumps.add(0, nose_y + 0.06, 0.17, 0.045, 0.20, 0.08)
    bumps.add(0, face.chin_y - 0.36, 0.19, 0.05, 0.14 + 0.14 * effects["chin_fold"], 0.05)
    bumps.pair(0.9, 0.6, 0.12, 0.5, 0.13)
    for side in (-1, 1):
        corner_x, corner_y = face.corner(side)
        pit = 0.10 + 0.25 * effects["dimple_fold"]
        bumps.add(corner_x + side * 0.04, corner_y, 0.05, 0.06, pit)
    bumps.add(0, eye_y - 0.25, 0.09, 0.11, 0.10 * effects["glabella_fold"])
    bumps.pair(0.11, eye_y + 0.06, 0.06, 0.12, 0.12 * effects["nose_fold"])
    return bumps


def _flushes(face: Face) -> _Bumps:
    """Places where blood shows through the skin."""
    bumps = _Bumps(face)
    ruddy = face.identity.ruddiness
    bumps.pair(0.58, 0.20, 0.22, 0.17, 0.55 * ruddy)
    bumps.add(0, face.nose_y - 0.12, 0.16, 0.13, 0.55 * ruddy, 0.3)
    bumps.add(0, face.chin_y - 0.17, 0.18, 0.12, 0.25 * ruddy)
    bumps.pair(0.42, face.eye_y, 0.22, 0.09, 0.30)
    return bumps


def shade(face: Face, scene: Scene) -> Shading:
    """Return Lambert light, gloss and tint of the head under the light of the scene.

    Args:
        face: The face.
        scene: The scene, whose direction and strength of light are used.
    """
    slope_x, slope_y = _heights(face).slopes()
    across, down, facing = _head_slope()
    normal_x, normal_y = across - slope_x, down - slope_y
    length = np.sqrt(normal_x**2 + normal_y**2 + facing**2)
    light = np.array([scene.light_x, scene.light_y, 1.0])
    light = light / np.linalg.norm(light)
    lit = (normal_x * light[0] + normal_y * light[1] + facing * light[2]) / length
    strength = scene.light_strength
    direct = np.maximum(lit, 0) * np.float32(1.15 * strength)
    ambient = (1 - _hollows(face).total()) * np.float32(1.08 - strength)
    half = light + np.array([0.0, 0.0, 1.0])
    half = half / np.linalg.norm(half)
    mirror = (normal_x * half[0] + normal_y * half[1] + facing * half[2]) / length
    gloss = np.maximum(mirror, 0) ** 24
    gloss *= 0.20 * strength * (0.3 + face.identity.oiliness)
    return Shading((direct + ambient).astype(np.float32), gloss.astype(np.float32), _flushes(face).total())
