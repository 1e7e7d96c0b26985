"""Triangles to samples: which triangle each sample of an image shows, and the depth seen from a light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import kernel

FAR = 1e9
"""Depth of samples that show nothing."""

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@kernel
def morph(points: Float32, offsets: Int32, indices: Int32, deltas: Float32, which: Int32, weights: Float32) -> None:
    """Add weighted targets to points, in place.

    Args:
        points: Positions [n, 3].
        offsets: Where each target begins in ``indices``, and the end, [targets + 1].
        indices: Point of each delta.
        deltas: Change of position at weight 1, [m, 3].
        which: Targets to add, [k].
        weights: Their weights, [k].
    """
    for k in range(which.shape[0]):
        weight = weights[k]
        for j in range(offsets[which[k]], offsets[which[k] + 1]):
            i = indices[j]
            points[i, 0] += weight * deltas[j, 0]
            points[i, 1] += weight * deltas[j, 1]
            points[i, 2] += weight * deltas[j, 2]


@kernel
def find_normals(points: Float32, triangles: Int32, normals: Float32) -> None:
    """Write the normal of each point, weighted by the area of its triangles.

    Args:
        points: Positions [n, 3].
        triangles: Points of each triangle [t, 3].
        normals: Receives unit vectors [n, 3].
    """
    normals[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            normals[i, 0] += nx
            normals[i, 1] += ny
            normals[i, 2] += nz
    for i in range(normals.shape[0]):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        length = 1.0 / (np.sqrt(x * x + y * y + z * z) + 1e-12)
        normals[i, 0], normals[i, 1], normals[i, 2] = x * length, y * length, z * length


@kernel
def place(points: Float32, matrix: NDArray[np.float64], placed: Float32) -> None:
    """Apply a matrix to points.

    Args:
        points: Positions [n, 3].
        matrix: Rotation, scale and shift [3, 4].
        placed: Receives the positions [n, 3].
    """
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        for k in range(3):
            placed[i, k] = matrix[k, 0] * x + matrix[k, 1] * y + matrix[k, 2] * z + matrix[k, 3]


@kernel
def project(points: Float32, focal: float, center_x: float, center_y: float, screen: Float32) -> None:
    """Project points before the camera, which looks along -z.

    Args:
        points: Positions [n, 3] with the camera at the origin.
        focal: Focal length in samples.
        center_x: Column of the optical axis.
        center_y: Its row.
        screen: Receives column, row, depth and 1 / depth, [n, 4].
    """
    for i in range(points.shape[0]):
        depth = -points[i, 2]
        screen[i, 0] = center_x + focal * points[i, 0] / depth
        screen[i, 1] = center_y - focal * points[i, 1] / depth
        screen[i, 2] = depth
        screen[i, 3] = 1.0 / depth


@kernel
def _sampled(a: float, b: float, c: float, count: int) -> tuple[int, int]:
    """Return the first and last of ``count`` samples between the least and the greatest of three coordinates."""
    return max(0, int(np.ceil(min(a, b, c) - 0.5))), min(count - 1, int(np.floor(max(a, b, c) - 0.5)))


@kernel
def rasterize(
    screen: Float32, triangles: Int32, cull: bool, depth: Float32, triangle: Int32, barycentric: Float32
) -> None:
    """Find the nearest triangle of each sample; attributes are interpolated in perspective.

    Args:
        screen: Column, row, depth and 1 / depth of each point, [n, 4].
        triangles: Points of each triangle [t, 3].
        cull: Whether triangles that are seen from behind are left out.
        depth: Depth of each sample, ``FAR`` where there is nothing; updated, [height, width].
        triangle: Receives the number of the triangle.
        barycentric: Receives the shares of its second and third point, [height, width, 2].
    """
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = (
            screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1],
        )  # fmt: skip
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0 or (cull and area > 0):
            continue
        left, right = _sampled(x0, x1, x2, width)
        top, bottom = _sampled(y0, y1, y2, height)
        if left > right or top > bottom:
            continue
        w0, w1, w2 = screen[a, 3], screen[b, 3], screen[c, 3]
        step1, step2 = (y2 - y0) / area, -(y1 - y0) / area
        for y in range(top, bottom + 1):
            py = y + 0.5
            px = left + 0.5
            s1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area
            s2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area
            for x in range(left, right + 1):
                s0 = 1.0 - s1 - s2
                if s0 >= 0 and s1 >= 0 and s2 >= 0:
                    z = 1.0 / (s0 * w0 + s1 * w1 + s2 * w2)
                    if z < depth[y, x]:
                        depth[y, x] = z
                        triangle[y, x] = t
                        barycentric[y, x, 0] = s1 * w1 * z
                        barycentric[y, x, 1] = s2 * w2 * z
                s1 += step1
                s2 += step2


@kernel
def rasterize_depth(points: Float32, triangles: Int32, depth: Float32) -> None:
    """Keep the least third coordinate of all triangles at each sample, in parallel projection.

    Args:
        points: Column, row and depth of each point [n, 3].
        triangles: Points of each triangle [t, 3].
        depth: Depth of each sample; updated, [height, width].
    """
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = (
            points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1],
        )  # fmt: skip
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        left, right = _sampled(x0, x1, x2, width)
        top, bottom = _sampled(y0, y1, y2, height)
        if area == 0 or left > right or top > bottom:
            continue
        z0, z1, z2 = points[a, 2], points[b, 2], points[c, 2]
        step1, step2 = (y2 - y0) / area, -(y1 - y0) / area
        for y in range(top, bottom + 1):
            px, py = left + 0.5, y + 0.5
            s1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) / area
            s2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) / area
            for x in range(left, right + 1):
                s0 = 1.0 - s1 - s2
                if s0 >= 0 and s1 >= 0 and s2 >= 0:
                    z = s0 * z0 + s1 * z1 + s2 * z2
                    if z < depth[y, x]:
                        depth[y, x] = z
                s1 += step1
                s2 += step2
