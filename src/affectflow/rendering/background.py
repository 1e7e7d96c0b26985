"""What is behind somebody, out of focus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import kernel, smooth
from affectflow.rendering.color import linear
from affectflow.rendering.scene import Scene

Float32 = NDArray[np.float32]

_SIDE = 48


def make_background(scene: Scene) -> Float32:
    """Return what is behind somebody, as linear RGB, float32 [48, 48, 3].

    Args:
        scene: The shot.
    """
    rng = np.random.default_rng(scene.background)
    field = np.empty((_SIDE, _SIDE, 3), np.float32)
    bend = 0.35 * rng.standard_normal(2)
    match scene.background_kind:
        case "plain":
            _fill(field, scene.background_color, scene.background_color * (1 + 0.3 * rng.standard_normal()), bend)
            return field
        case "outdoors":
            sky = linear(np.clip(np.array([0.62, 0.74, 0.88]) * rng.uniform(0.6, 1.1), 0, 1))
            ground = linear(np.clip(np.array([0.36, 0.42, 0.26]) * rng.uniform(0.5, 1.3, 3), 0, 1))
            _fill(field, sky, ground, np.array([0.15 * bend[0], 1.6]))
            spread, count = 0.07, int(rng.integers(5, 24))
        case _:
            wall = rng.uniform(0.12, 0.9)
            near, far = (linear(_tinted(rng, wall * rng.uniform(0.75, 1.2), 0.08)) for _ in range(2))
            _fill(field, near, far, bend)
            spread, count = 0.09, int(rng.integers(3, 20))
    for _ in range(count):
        color = linear(_tinted(rng, rng.uniform(0.03, 0.95) ** 1.5, spread))
        _shape(field, color, rng.uniform(0, _SIDE, 2), rng.uniform(2, 16, 2), rng.uniform(0.8, 6), rng.random() < 0.5)
    return field


def _tinted(rng: np.random.Generator, grey: float, spread: float) -> NDArray[np.float64]:
    """Return an sRGB color near a grey: things are warmer or colder more often than green or purple."""
    warm, green = spread * rng.standard_normal(), 0.35 * spread * rng.standard_normal()
    return np.clip((0.15 + grey) * np.array([1 + 2 * warm, 1 + 2 * green, 1 - 2 * warm]), 0, 1)


@kernel
def _fill(field: Float32, first: NDArray[np.float64], second: NDArray[np.float64], bend: NDArray[np.float64]) -> None:
    side = field.shape[0]
    for y in range(side):
        for x in range(side):
            t = smooth(-0.8, 0.8, bend[0] * (2 * x / side - 1) + bend[1] * (2 * y / side - 1))
            for k in range(3):
                field[y, x, k] = max(0.0, first[k] * (1 - t) + second[k] * t)


@kernel
def _shape(
    field: Float32,
    color: NDArray[np.float64],
    center: NDArray[np.float64],
    half: NDArray[np.float64],
    softness: float,
    is_round: bool,
) -> None:
    """Paint a soft disc or rectangle."""
    side = field.shape[0]
    for y in range(side):
        for x in range(side):
            dx, dy = abs(x - center[0]), abs(y - center[1])
            if is_round:
                inside = half[0] - np.sqrt(dx * dx + dy * dy)
            else:
                inside = min(half[0] - dx, half[1] - dy)
            share = smooth(-softness, softness, inside)
            if share > 0:
                for k in range(3):
                    field[y, x, k] += share * (color[k] - field[y, x, k])
