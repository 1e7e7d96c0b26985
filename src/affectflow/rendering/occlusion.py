"""Ambient occlusion of the base head: how much of the sky each point sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.raster import FAR, find_normals, rasterize_depth

_DIRECTIONS, _SIDE = 160, 256
_OFF, _BIAS = 0.03, 0.03
"""In decimetres: a point is tested this far off the surface, and with this tolerance."""


def bake_occlusion(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the share of the hemisphere above each point that is open, weighted by the cosine, [n].

    Depth maps are drawn from directions that are spread evenly on a sphere (a Fibonacci lattice).

    Args:
        points: Positions [n, 3].
        triangles: Points of each triangle [t, 3].
    """
    normals = np.zeros_like(points)
    find_normals(points, triangles, normals)
    k = np.arange(_DIRECTIONS) + 0.5
    polar, turn = np.arccos(1 - 2 * k / _DIRECTIONS), np.pi * (1 + 5**0.5) * k
    directions = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], axis=1)
    center = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = float(np.linalg.norm(np.ptp(points, axis=0))) / 2
    seen, weights = np.zeros(len(points)), np.zeros(len(points))
    for toward in directions:
        up = np.array([0.0, 1, 0]) if abs(toward[1]) < 0.9 else np.array([1.0, 0, 0])
        across = np.cross(up, toward)
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(toward, across), -toward])
        local = (points - center) @ axes.T
        scaled = np.concatenate([(local[:, :2] / radius * 0.5 + 0.5) * _SIDE, local[:, 2:]], axis=1)
        depth = np.full((_SIDE, _SIDE), FAR, np.float32)
        rasterize_depth(scaled.astype(np.float32), triangles, depth)
        off = ((points - center + _OFF * normals) @ axes[:2].T / radius * 0.5 + 0.5) * _SIDE
        column, row = np.clip(off.astype(int), 0, _SIDE - 1).T
        weight = np.maximum(0, normals @ toward)
        seen += weight * (local[:, 2] < depth[row, column] + _BIAS)
        weights += weight
    return np.asarray(seen / np.maximum(weights, 1e-6), np.float32)
