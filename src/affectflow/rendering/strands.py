"""Strands: curves that are rooted in triangles of the skin, as they are placed, cast shadows and are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import kernel
from affectflow.rendering.head import Float32, Int32
from affectflow.rendering.lighting import Lighting, ambient_light, visible_light
from affectflow.rendering.shading import Samples

Float64 = NDArray[np.float64]

_HAIR_BIAS = 0.09


@dataclass(frozen=True, slots=True, eq=False)
class Strands:
    """Curves of k points each.

    Attributes:
        triangle: Number of the triangle of the skin that each is rooted in, [n].
        shares: Shares of the triangle's points [n, 3].
        course: The points, relative to the root on the base head, [n, k, 3].
        tint: Factor of each one's color, [n].
        open: How much light reaches each point, 0 to 1, [n, k].
    """

    triangle: Int32
    shares: Float32
    course: Float32
    tint: Float32
    open: Float32


@kernel
def place_strands(
    triangle: Int32,
    shares: Float32,
    course: Float32,
    skin: Int32,
    points: Float32,
    matrix: NDArray[np.float64],
    focal: float,
    center_x: float,
    center_y: float,
    placed: Float32,
    screen: Float32,
) -> None:
    """Move strands with their roots, and project them.

    Args:
        triangle: As of :class:`Strands`, and the two that follow.
        shares: Shares of the triangle's points.
        course: Points relative to the root.
        skin: Points of each triangle of the skin.
        points: Positions of the head's points in its own place, [n, 3].
        matrix: From there to before the camera, [3, 4].
        focal: Focal length in samples.
        center_x: Column of the optical axis.
        center_y: Its row.
        placed: Receives positions before the camera [n, k, 3].
        screen: Receives column, row and depth [n, k, 3].
    """
    for s in range(course.shape[0]):
        a, b, c = skin[triangle[s], 0], skin[triangle[s], 1], skin[triangle[s], 2]
        s0, s1, s2 = shares[s, 0], shares[s, 1], shares[s, 2]
        ox = s0 * points[a, 0] + s1 * points[b, 0] + s2 * points[c, 0]
        oy = s0 * points[a, 1] + s1 * points[b, 1] + s2 * points[c, 1]
        oz = s0 * points[a, 2] + s1 * points[b, 2] + s2 * points[c, 2]
        for k in range(course.shape[1]):
            x, y, z = ox + course[s, k, 0], oy + course[s, k, 1], oz + course[s, k, 2]
            for i in range(3):
                placed[s, k, i] = matrix[i, 0] * x + matrix[i, 1] * y + matrix[i, 2] * z + matrix[i, 3]
            depth = -placed[s, k, 2]
            screen[s, k, 0] = center_x + focal * placed[s, k, 0] / depth
            screen[s, k, 1] = center_y - focal * placed[s, k, 1] / depth
            screen[s, k, 2] = depth


@kernel
def shadow_strands(placed: Float32, matrix: NDArray[np.float64], depth: Float32) -> None:
    """Draw every other strand into the light's map of depths.

    Args:
        placed: Positions before the camera [n, k, 3].
        matrix: From there to column, row and depth of the map, [3, 4].
        depth: The map, updated.
    """
    side = depth.shape[0]
    for s in range(0, placed.shape[0], 2):
        for k in range(placed.shape[1] - 1):
            x0 = matrix[0, 0] * placed[s, k, 0] + matrix[0, 1] * placed[s, k, 1] + matrix[0, 2] * placed[s, k, 2]
            y0 = matrix[1, 0] * placed[s, k, 0] + matrix[1, 1] * placed[s, k, 1] + matrix[1, 2] * placed[s, k, 2]
            z0 = matrix[2, 0] * placed[s, k, 0] + matrix[2, 1] * placed[s, k, 1] + matrix[2, 2] * placed[s, k, 2]
            n = k + 1
            x1 = matrix[0, 0] * placed[s, n, 0] + matrix[0, 1] * placed[s, n, 1] + matrix[0, 2] * placed[s, n, 2]
            y1 = matrix[1, 0] * placed[s, n, 0] + matrix[1, 1] * placed[s, n, 1] + matrix[1, 2] * placed[s, n, 2]
            steps = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
            for i in range(steps):
                x = int(x0 + (x1 - x0) * i / steps + matrix[0, 3])
                y = int(y0 + (y1 - y0) * i / steps + matrix[1, 3])
                z = z0 + matrix[2, 3]
                if 0 <= x < side and 0 <= y < side and z < depth[y, x]:
                    depth[y, x] = z


@kernel
def draw_strands(
    samples: Samples, placed: Float32, screen: Float32, tint: Float32, opened: Float32, color: Float64, alpha: float,
    width: float, before: float, gloss: float, taper: float, lighting: Lighting,
) -> None:  # fmt: skip
    """Draw hairs over the samples, with the reflection of Kajiya and Kay (1989).

    Args:
        samples: The samples.
        placed: Positions before the camera [n, k, 3].
        screen: Column, row and depth [n, k, 3].
        tint: Factor of each hair's color.
        opened: How much light reaches each point [n, k].
        color: Linear RGB.
        alpha: Opacity.
        width: In samples; thinner than one is more transparent.
        before: By how much hairs are nearer than they are, in decimetres.
        gloss: Strength of reflections.
        taper: Share of the width that is lost at the tip.
        lighting: What shines.
    """
    height, side = samples.depth.shape
    count, points = screen.shape[0], screen.shape[1]
    ambient, shown = np.zeros(3), np.zeros(3)
    for s in range(count):
        for k in range(points - 1):
            x0, y0, z0 = screen[s, k, 0], screen[s, k, 1], screen[s, k, 2] - before
            x1, y1, z1 = screen[s, k + 1, 0], screen[s, k + 1, 1], screen[s, k + 1, 2] - before
            if max(x0, x1) < -2 or max(y0, y1) < -2 or min(x0, x1) > side + 2 or min(y0, y1) > height + 2:
                continue
            px, py, pz = placed[s, k, 0], placed[s, k, 1], placed[s, k, 2]
            tx, ty, tz = placed[s, k + 1, 0] - px, placed[s, k + 1, 1] - py, placed[s, k + 1, 2] - pz
            size = 1 / np.sqrt(tx * tx + ty * ty + tz * tz + 1e-9)
            tx, ty, tz = tx * size, ty * size, tz * size
            size = 1 / np.sqrt(px * px + py * py + pz * pz)
            vx, vy, vz = -px * size, -py * size, -pz * size
            along = tx * lighting.direction[0] + ty * lighting.direction[1] + tz * lighting.direction[2]
            filled = tx * lighting.fill_direction[0] + ty * lighting.fill_direction[1] + tz * lighting.fill_direction[2]
            view = tx * vx + ty * vy + tz * vz
            across, side_light = np.sqrt(max(0.0, 1 - along * along)), np.sqrt(max(0.0, 1 - filled * filled))
            glint = max(0.0, across * np.sqrt(max(0.0, 1 - view * view)) - along * view)
            lit = visible_light(lighting.depth, lighting.matrix, px, py, pz, _HAIR_BIAS)
            square = glint * glint
            fourth = square * square
            eighth = fourth * fourth
            wide = eighth * fourth * square
            narrow = wide * wide * wide * wide * fourth
            ambient_light(lighting.ambient, vx - view * tx, vy - view * ty, vz - view * tz, ambient)
            free = opened[s, k]
            for i in range(3):
                own = color[i] * tint[s]
                light = (
                    0.9 * ambient[i]
                    + 0.55 * lighting.color[i] * across * lit
                    + 0.4 * lighting.fill_color[i] * side_light
                )
                shine = lighting.color[i] * gloss * (0.25 * narrow + 1.1 * wide * color[i]) * lit
                shown[i] = (own * light + shine) * free
            thick = width * (1 - taper * k / (points - 1))
            opacity = alpha * min(1.0, thick)
            lines = max(1, int(thick + 0.5))
            steep = abs(y1 - y0) > abs(x1 - x0)
            steps = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
            for i in range(steps):
                t = i / steps
                cx, cy, depth = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t, z0 + (z1 - z0) * t
                for j in range(lines):
                    off = j - (lines - 1) * 0.5
                    column = int(cx + off) if steep else int(cx)
                    row = int(cy) if steep else int(cy + off)
                    if column < 0 or row < 0 or column >= side or row >= height:
                        continue
                    if depth < samples.depth[row, column]:
                        if opacity >= 0.95:
                            samples.depth[row, column] = depth
                        if samples.triangle[row, column] < 0:
                            samples.triangle[row, column] = 0
                            samples.depth[row, column] = depth
                            for n in range(3):
                                samples.color[row, column, n] = shown[n]
                        else:
                            share = 1.0 if opacity >= 0.95 else opacity
                            for n in range(3):
                                samples.color[row, column, n] += share * (shown[n] - samples.color[row, column, n])


@kernel
def draw_lashes(samples: Samples, lashes: Int32, screen: Float32, upper: float, lower: float) -> None:
    """Draw the lashes as thin dark lines from the lids to their tips.

    Args:
        samples: The samples.
        lashes: Pieces, see :class:`affectflow.rendering.head.Head`.
        screen: Column, row and depth of each point [n, 4].
        upper: Opacity of the upper lashes.
        lower: Opacity of the lower ones.
    """
    height, width = samples.depth.shape
    for piece in range(lashes.shape[0]):
        alpha = upper if lashes[piece, 4] else lower
        for line in range(2):
            t = 0.25 + 0.5 * line
            a, b, c, d = lashes[piece, 0], lashes[piece, 1], lashes[piece, 2], lashes[piece, 3]
            x0, y0 = screen[a, 0] * (1 - t) + screen[b, 0] * t, screen[a, 1] * (1 - t) + screen[b, 1] * t
            x1, y1 = screen[c, 0] * (1 - t) + screen[d, 0] * t, screen[c, 1] * (1 - t) + screen[d, 1] * t
            z0, z1 = screen[a, 2], screen[c, 2]
            steps = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
            for i in range(steps):
                s = i / steps
                x, y, depth = int(x0 + (x1 - x0) * s), int(y0 + (y1 - y0) * s), z0 + (z1 - z0) * s - 0.02
                if 0 <= x < width and 0 <= y < height and depth <= samples.depth[y, x]:
                    for k in range(3):
                        samples.color[y, x, k] += alpha * (0.011 - samples.color[y, x, k])
