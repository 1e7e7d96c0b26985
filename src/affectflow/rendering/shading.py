"""Light on a head: the color of each sample of an image that shows it.

Skin is a diffuse layer in which red light goes further (wrapped, by color) under two lobes of reflection, with shadows
by a depth map seen from the light, and ambient occlusion. All colors are linear RGB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, kernel
from affectflow.rendering.atlas import WIDTH
from affectflow.rendering.head import BASE_X, BASE_Y, BASE_Z, EAR, Float32, Int32
from affectflow.rendering.lighting import Lighting, ambient_light, visible_light
from affectflow.rendering.materials import (
    GLOSS,
    MATERIAL,
    OPEN,
    REGION_COUNT,
    ROUGH,
    SHADOW,
    WRAP,
    Eyes,
    Surface,
    cloth_material,
    eye_material,
    hat_material,
    mouth_material,
    skin_material,
)
from affectflow.rendering.parts import LEFT_EYE, RIGHT_EYE, SKIN

Float64 = NDArray[np.float64]

_SHADOW_BIAS = 0.035


class Samples(NamedTuple):
    """The samples of an image."""

    depth: Float32
    triangle: Int32
    shares: Float32
    color: Float32


class Mesh(NamedTuple):
    """The head before the camera."""

    triangles: Int32
    part: Int32
    points: Float32
    normals: Float32
    attributes: Float32


@kernel
def shade(
    samples: Samples, mesh: Mesh, regions: Float32, wrinkles: Float32, noise: Float32, surface: Surface, eyes: Eyes,
    lighting: Lighting, up: Float64, per_pixel: int, near: float,
) -> None:  # fmt: skip
    """Write the color of each sample that shows the head.

    Args:
        samples: The samples; samples of one pixel that show the same part at about one depth are shaded once.
        mesh: The head.
        regions: float32 [height, width, regions], see :mod:`affectflow.rendering.atlas`.
        wrinkles: float32 [height, width, wrinkles, 3].
        noise: float32 [height, width, layers].
        surface: What the person is made of.
        eyes: Where the eyes look.
        lighting: What shines.
        up: The head's upward direction before the camera.
        per_pixel: Samples along a side of a pixel.
        near: Depths that differ by less are about one, in decimetres.
    """
    height, width = samples.depth.shape
    at, mapped, m = np.zeros(10), np.zeros(REGION_COUNT), np.zeros(MATERIAL)
    ambient, mirror = np.zeros(3), np.zeros(3)
    for y in range(height):
        for x in range(width):
            t = samples.triangle[y, x]
            if t < 0:
                continue
            part = mesh.part[t]
            if per_pixel > 1 and (part == SKIN or part > RIGHT_EYE) and _copied(samples, mesh, y, x, per_pixel, near):
                continue
            a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
            s1, s2 = samples.shares[y, x, 0], samples.shares[y, x, 1]
            s0 = 1 - s1 - s2
            px = s0 * mesh.points[a, 0] + s1 * mesh.points[b, 0] + s2 * mesh.points[c, 0]
            py = s0 * mesh.points[a, 1] + s1 * mesh.points[b, 1] + s2 * mesh.points[c, 1]
            pz = s0 * mesh.points[a, 2] + s1 * mesh.points[b, 2] + s2 * mesh.points[c, 2]
            nx = s0 * mesh.normals[a, 0] + s1 * mesh.normals[b, 0] + s2 * mesh.normals[c, 0]
            ny = s0 * mesh.normals[a, 1] + s1 * mesh.normals[b, 1] + s2 * mesh.normals[c, 1]
            nz = s0 * mesh.normals[a, 2] + s1 * mesh.normals[b, 2] + s2 * mesh.normals[c, 2]
            size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-9)
            far = 1 / np.sqrt(px * px + py * py + pz * pz)
            vx, vy, vz = -px * far, -py * far, -pz * far
            if nx * vx + ny * vy + nz * vz < 0:
                size = -size
            m[3], m[4], m[5] = nx * size, ny * size, nz * size
            m[SHADOW] = visible_light(lighting.depth, lighting.matrix, px, py, pz, _SHADOW_BIAS)
            for k in range(10):
                at[k] = s0 * mesh.attributes[a, k] + s1 * mesh.attributes[b, k] + s2 * mesh.attributes[c, k]
            if part == SKIN:
                first, second, third = mesh.attributes[a, 0], mesh.attributes[b, 0], mesh.attributes[c, 0]
                if abs(first - second) > WIDTH / 2 or abs(first - third) > WIDTH / 2:
                    at[0] = 0.0  # behind, where the last column meets the first
                over = surface.collar[0] + surface.collar[1] * abs(at[BASE_X]) - at[BASE_Y]
                over -= surface.collar[2] * max(0.0, at[BASE_Z] - 0.6)
                skin_material(at, at[0], at[1], regions, wrinkles, noise, surface, up, mapped, m)
                if over > 0 and at[BASE_Y] < 5.95:
                    cloth_material(surface.cloth, min(1.0, 8 * over), m)
                elif surface.hat and at[EAR] < 0.3:
                    hat_material(at, surface, m)
            elif part in (LEFT_EYE, RIGHT_EYE):
                eye_material(part - LEFT_EYE, px, py, pz, eyes, surface, up, m)
            else:
                mouth_material(part, at, surface, m)
            nx, ny, nz = m[3], m[4], m[5]
            ambient_light(lighting.ambient, nx, ny, nz, ambient)
            direct = nx * lighting.direction[0] + ny * lighting.direction[1] + nz * lighting.direction[2]
            filled = nx * lighting.fill_direction[0] + ny * lighting.fill_direction[1] + nz * lighting.fill_direction[2]
            hx, hy, hz = vx + lighting.direction[0], vy + lighting.direction[1], vz + lighting.direction[2]
            size = 1 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)
            half = max(0.0, (nx * hx + ny * hy + nz * hz) * size)
            graze = 1 - max(0.0, (vx * hx + vy * hy + vz * hz) * size)
            facing = max(0.02, nx * vx + ny * vy + nz * vz)
            fresnel = 0.028 + 0.972 * graze * graze * graze * graze * graze
            lobes = 0.45 * _lobe(m[ROUGH], half) + 0.55 * _lobe(min(1.0, 1.7 * m[ROUGH]), half)
            lit = m[SHADOW]
            shine = m[GLOSS] / 0.028 * fresnel * lobes * 0.25 / (0.7 * max(0.15, facing) + 0.3) * max(0.0, direct) * lit
            rim = 1 - facing
            around = 0.028 + 0.3 * rim * rim * rim * rim * rim
            ambient_light(lighting.ambient, 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz, mirror)
            opened = m[OPEN]
            for k in range(3):
                wrap = m[WRAP + k]
                bleeding = 1.6 * wrap / (1 + 1.6 * wrap)
                key = max(0.0, (direct + wrap) / (1 + wrap)) * _raised(lit, bleeding) * (0.35 + 0.65 * opened)
                side = max(0.0, (filled + wrap) / (1 + wrap)) * opened
                sky = ambient[k] * _raised(opened, 0.45 * wrap)
                diffuse = m[k] * (sky + lighting.color[k] * key + lighting.fill_color[k] * side)
                glint = lighting.color[k] * shine + mirror[k] * around * opened * m[GLOSS] / 0.028 * 0.55
                samples.color[y, x, k] = diffuse + glint


@kernel
def _copied(samples: Samples, mesh: Mesh, y: int, x: int, per_pixel: int, near: float) -> bool:
    """Copy the color of a sample of the same pixel and part, if one is shaded already."""
    top, left = y - y % per_pixel, x - x % per_pixel
    part, depth = mesh.part[samples.triangle[y, x]], samples.depth[y, x]
    for j in range(top, y + 1):
        for i in range(left, x if j == y else left + per_pixel):
            t = samples.triangle[j, i]
            if t >= 0 and mesh.part[t] == part and abs(samples.depth[j, i] - depth) < near:
                samples.color[y, x] = samples.color[j, i]
                return True
    return False


@kernel
def _raised(share: float, amount: float) -> float:
    """Return a share of light in a material that spreads it: about the power 1 - amount of it."""
    return share * (1 + amount * (1 - share))


@kernel
def _lobe(roughness: float, half: float) -> float:
    """Return the distribution of normals of Walter et al. 2007 (GGX)."""
    square = roughness * roughness * roughness * roughness
    term = half * half * (square - 1) + 1
    return square / (PI * term * term)
