"""Where a person is rendered: head pose, gaze, camera, light, background and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, cos, sin
from affectflow.rendering.color import linear

Vector = NDArray[np.float64]
Range = tuple[float, float]

HARMONICS = 9
"""Numbers by which light from all around is described, of each color (second-order spherical harmonics)."""


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What shines; directions are unit vectors towards the light, colors are linear RGB.

    Attributes:
        ambient: Light from all around, [9, 3].
        direction: Direction of the light that casts shadows.
        color: Its color.
        fill_direction: Direction of a weaker light without shadows.
        fill_color: Its color.
    """

    ambient: NDArray[np.float64]
    direction: Vector
    color: Vector
    fill_direction: Vector
    fill_color: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One shot of somebody. Angles are in radians.

    Attributes:
        yaw: Turn of the head to the person's left.
        pitch: Nod downwards.
        roll: Tilt.
        gaze_x: Turn of the eyes to the person's left.
        gaze_y: Turn of the eyes upwards.
        distance: From the camera to the head, in decimetres.
        scale: Size of the head, a factor; at 1 a face fills about half of the height.
        offset_x: Of the head from the middle, as a share of the side.
        offset_y: The same, downwards.
        light: What shines.
        exposure: Brightness, a factor of about 1.
        contrast: Factor of the contrast.
        warmth: How much redder, and less blue, the whole image is.
        background: Seed of the background.
        background_kind: ``plain``, ``blurred`` or ``outdoors``.
        background_color: Linear RGB of a plain one.
        blur: Radius of the lens' blur as a share of the side.
        noise: Strength of the sensor's noise.
        seed: Seed of the noise.
    """

    yaw: float
    pitch: float
    roll: float
    gaze_x: float
    gaze_y: float
    distance: float
    scale: float
    offset_x: float
    offset_y: float
    light: Light
    exposure: float
    contrast: float
    warmth: float
    background: int
    background_kind: str
    background_color: Vector
    blur: float
    noise: float
    seed: int


@dataclass(frozen=True, slots=True)
class _Style:
    """Deviations of angles in degrees, and ranges of the rest."""

    yaw: float
    pitch: float
    roll: float
    scale: Range
    lights: tuple[float, ...]
    backgrounds: tuple[float, ...]
    exposure: Range
    contrast: Range
    warmth: float
    blur: Range
    noise: Range
    background_tint: tuple[float, float, float] | None = None


_BACKGROUNDS = ("plain", "blurred", "outdoors")
_STYLES = {
    "web": _Style(
        14, 7, 5, (1.0, 1.35), (0.42, 0.2, 0.14, 0.08, 0.16), (0.3, 0.4, 0.3), (0.85, 1.2), (0.9, 1.15), 0.05,
        (0, 0.005), (0.2, 1.2),
    ),
    "laboratory": _Style(
        8, 5, 4, (1.05, 1.3), (0.75, 0.1, 0.15, 0, 0), (1, 0, 0), (0.9, 1.1), (0.95, 1.05), 0.02, (0.001, 0.004),
        (0.2, 0.7), (0.02, 0.05, 0.14),
    ),
    "webcam": _Style(
        10, 7, 5, (1.0, 1.35), (0.45, 0.35, 0.2, 0, 0), (0.15, 0.85, 0), (0.6, 1.05), (0.8, 1.0), 0.09, (0.003, 0.008),
        (0.8, 2.2),
    ),
    "wild": _Style(
        16, 8, 6, (1.0, 1.35), (0.35, 0.25, 0.1, 0.05, 0.25), (0.1, 0.4, 0.5), (0.75, 1.25), (0.85, 1.15), 0.08,
        (0, 0.006), (0.3, 1.6),
    ),
}  # fmt: skip
SCENE_STYLES = tuple(_STYLES)
_LIGHTS = ("soft", "side", "top", "flash", "sun")


def draw_scene(rng: np.random.Generator, style: str) -> Scene:
    """Return a random shot.

    Args:
        rng: Source of randomness.
        style: Kind of footage, of ``SCENE_STYLES``.
    """
    ranges = _STYLES[style]

    def spread(deviation: float) -> float:
        return float(deviation * np.clip(rng.standard_normal(), -2.0, 2.0)) * PI / 180

    def within(limits: Range) -> float:
        return float(rng.uniform(*limits))

    color = linear(np.clip(within((0.15, 0.95)) * (1 + 0.08 * rng.standard_normal() * np.array([1, 0, -1])), 0, 1))
    if ranges.background_tint is not None:
        color = np.array(ranges.background_tint) * within((0.5, 1.6))
    return Scene(
        yaw=spread(ranges.yaw),
        pitch=spread(ranges.pitch),
        roll=spread(ranges.roll),
        gaze_x=spread(6.0) - 0.3 * spread(ranges.yaw),
        gaze_y=spread(3.5),
        distance=within((7.0, 14.0)),
        scale=within(ranges.scale),
        offset_x=0.02 * float(rng.standard_normal()),
        offset_y=0.02 * float(rng.standard_normal()),
        light=draw_light(rng, _LIGHTS[rng.choice(len(_LIGHTS), p=ranges.lights)]),
        exposure=within(ranges.exposure),
        contrast=within(ranges.contrast),
        warmth=float(ranges.warmth * rng.standard_normal()),
        background=int(rng.integers(2**31)),
        background_kind=_BACKGROUNDS[rng.choice(len(_BACKGROUNDS), p=ranges.backgrounds)],
        background_color=color,
        blur=within(ranges.blur),
        noise=within(ranges.noise),
        seed=int(rng.integers(2**31)),
    )


def draw_light(rng: np.random.Generator, kind: str) -> Light:
    """Return a random light.

    Args:
        rng: Source of randomness.
        kind: ``soft``, ``side``, ``top``, ``flash`` or ``sun``.
    """
    side = 1.0 if rng.random() < 0.5 else -1.0
    around, up, strength, ambient = {
        "soft": (0.6 * float(rng.standard_normal()), rng.uniform(0.3, 0.9), 0.6, 0.8),
        "side": (side * rng.uniform(0.6, 1.15), rng.uniform(0.1, 0.6), 0.9, 0.42),
        "top": (0.4 * float(rng.standard_normal()), rng.uniform(0.7, 1.05), 0.7, 0.55),
        "flash": (0.08 * float(rng.standard_normal()), rng.uniform(0.05, 0.25), 1.0, 0.4),
        "sun": (side * rng.uniform(0.2, 1.1), rng.uniform(0.4, 0.95), 1.3, 0.5),
    }[kind]
    warm = 0.4 * float(rng.standard_normal())
    key = np.clip(np.array([1 + 0.12 * warm, 1, 1 - 0.16 * warm]), 0.7, 1.4)
    sky = np.array([1 - 0.05 * warm, 1, 1 + 0.07 * warm])
    level = ambient * rng.uniform(0.8, 1.25)
    harmonics = np.zeros((HARMONICS, 3))
    harmonics[0] = level * sky
    harmonics[1] = level * rng.uniform(0.2, 0.5) * sky  # upwards
    harmonics[2] = level * (0.1 + 0.15 * float(rng.standard_normal()))  # to the camera
    harmonics[3] = level * 0.25 * float(rng.standard_normal()) * sky  # to the person's left
    harmonics[4:] = level * 0.05 * rng.standard_normal((5, 3)).mean(axis=1, keepdims=True)
    harmonics[6] *= 0.5
    behind = rng.uniform(-2.6, 2.6)
    fill = np.array([sin(behind), rng.uniform(-0.1, 0.6), 0.7 * cos(behind) - 0.3])
    return Light(
        ambient=harmonics,
        direction=np.array([sin(around) * cos(up), sin(up), cos(around) * cos(up)]),
        color=strength * rng.uniform(0.8, 1.2) * key,
        fill_direction=fill / np.sqrt((fill * fill).sum()),
        fill_color=rng.uniform(0, 0.4) * np.array([1 - 0.08 * warm, 1, 1 + 0.1 * warm]),
    )
