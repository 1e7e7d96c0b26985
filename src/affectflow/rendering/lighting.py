"""Light before the camera: what of it falls on a place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import kernel
from affectflow.rendering.raster import FAR
from affectflow.rendering.scene import Scene

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SHADOW_SIDE, _SHADOW_FRAME = 176, 4.0
"""Samples of a side of the map of depths, and how many decimetres they take."""


class Lighting(NamedTuple):
    """What shines, before the camera; see :class:`affectflow.rendering.scene.Light`."""

    ambient: Float64
    direction: Float64
    color: Float64
    fill_direction: Float64
    fill_color: Float64
    matrix: Float64
    """From before the camera to column, row and depth of ``depth``, [3, 4]."""
    depth: Float32


def make_lighting(scene: Scene, distance: float) -> Lighting:
    """Return the light of a scene, with an empty map of depths for its shadows.

    Args:
        scene: The shot.
        distance: From the camera to the head, in decimetres.
    """
    light = scene.light
    toward = light.direction
    flat = np.sqrt(toward[0] ** 2 + toward[2] ** 2)
    across = np.array([toward[2], 0.0, -toward[0]]) / max(flat, 1e-6)
    upward = np.array(
        [
            toward[1] * across[2] - toward[2] * across[1],
            toward[2] * across[0] - toward[0] * across[2],
            toward[0] * across[1] - toward[1] * across[0],
        ]
    )
    scale = _SHADOW_SIDE / _SHADOW_FRAME
    center = np.array([0.0, -0.1, -distance])
    rows = [scale * across, scale * upward, -toward]
    shifts = [_SHADOW_SIDE / 2, _SHADOW_SIDE / 2, 0.0]
    matrix = np.array([[*row, shift - float((row * center).sum())] for row, shift in zip(rows, shifts, strict=True)])
    depth = np.full((_SHADOW_SIDE, _SHADOW_SIDE), FAR, np.float32)
    return Lighting(light.ambient, light.direction, light.color, light.fill_direction, light.fill_color, matrix, depth)


@kernel
def ambient_light(light: Float64, x: float, y: float, z: float, out: Float64) -> None:
    """Write the light from all around that falls on a surface.

    Args:
        light: Spherical harmonics [9, 3].
        x: Of the surface's normal, as y and z.
        y: See x.
        z: See x.
        out: Receives linear RGB [3].
    """
    for k in range(3):
        value = (
            light[0, k] + light[1, k] * y + light[2, k] * z + light[3, k] * x + light[4, k] * x * y
            + light[5, k] * y * z + light[6, k] * (3 * z * z - 1) + light[7, k] * x * z + light[8, k] * (x * x - y * y)
        )  # fmt: skip
        out[k] = max(0.01, value)


@kernel
def visible_light(depth: Float32, matrix: Float64, x: float, y: float, z: float, bias: float) -> float:
    """Return the share of the light with shadows that reaches a place, by a filter of 3 x 3 depths.

    Args:
        depth: Map of depths, seen from the light.
        matrix: From before the camera to column, row and depth of the map, [3, 4].
        x: Of the place before the camera, as y and z.
        y: See x.
        z: See x.
        bias: By how much a place may lie behind the map, in decimetres.
    """
    side = depth.shape[0]
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3] - 0.5
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3] - 0.5
    far = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3] - bias
    i0, j0 = int(np.floor(column)), int(np.floor(row))
    fx, fy = column - i0, row - j0
    lit = 0.0
    for j in range(3):
        wy = 1 - fy if j == 0 else (fy if j == 2 else 1.0)
        for i in range(3):
            column_, row_ = i0 + i, j0 + j
            if not (0 <= column_ < side and 0 <= row_ < side and depth[row_, column_] < far):
                lit += wy * (1 - fx if i == 0 else (fx if i == 2 else 1.0))
    return lit / 4
