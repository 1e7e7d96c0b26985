"""Light on skin, eyes, teeth and hair: the color of each sample of an image.

Skin is a diffuse layer in which red light goes further (wrapped, by color) under two lobes of reflection, with shadows
by a depth map seen from the light, and ambient occlusion. All colors are linear RGB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, arctan2, exp, kernel, sin, smooth
from affectflow.rendering.atlas import HEIGHT, REGIONS, WIDTH, WRINKLES
from affectflow.rendering.head import BASE_X, BASE_Y, BASE_Z, EAR, EYELID, INSIDE_MOUTH, LIP, OCCLUSION, Float32, Int32
from affectflow.rendering.parts import LEFT_EYE, RIGHT_EYE, SKIN, TONGUE, UPPER_TEETH

Float64 = NDArray[np.float64]

_REGION_COUNT, _WRINKLE_COUNT = len(REGIONS), len(WRINKLES)
_BEARD, _MOUSTACHE, _UPPER_LID = REGIONS.index("beard"), REGIONS.index("moustache"), REGIONS.index("upper_lid")
_CHEEK, _NOSE, _FOREHEAD = REGIONS.index("cheek"), REGIONS.index("nose"), REGIONS.index("forehead")
_LAYERS = 5
_LIPS_Z, _TEETH_Z = 1.5, 1.5
_SHADOW_BIAS, _HAIR_BIAS = 0.035, 0.09


class Surface(NamedTuple):
    """What a person's surface is made of; see :class:`affectflow.rendering.person.Person`."""

    skin: Float64
    lip: Float64
    hair: Float64
    cloth: Float64
    collar: Float64
    teeth: Float64
    iris: Float64
    shadow: Float64
    shadow_strength: float
    iris_radius: float
    pupil: float
    roughness: float
    gloss: float
    blood: Float64
    melanin: Float64
    blotches: Float64
    spots: Float64
    pores: Float64
    freckles: float
    noise_shift: int
    noise_mirrored: bool
    wrinkles: Float64
    """Depth of each wrinkle now, by age and expression, on the left and the right side, [2, wrinkles]."""
    stubble: float
    cheek_stubble: float
    scalp: float
    """How dark hair makes the scalp."""
    receding: float
    hat: bool


class Eyes(NamedTuple):
    """Where the eyes are, before the camera."""

    centers: Float64
    gaze: Float64
    """Unit vectors [2, 3]."""
    lids: Float64
    """Height of the upper and lower lid over the center of each eye, in radii, [2, 2]."""


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
def _ambient(light: Float64, x: float, y: float, z: float, out: Float64) -> None:
    """Write the light from all around that falls on a surface with a normal."""
    for k in range(3):
        value = (
            light[0, k] + light[1, k] * y + light[2, k] * z + light[3, k] * x + light[4, k] * x * y
            + light[5, k] * y * z + light[6, k] * (3 * z * z - 1) + light[7, k] * x * z + light[8, k] * (x * x - y * y)
        )  # fmt: skip
        out[k] = max(0.01, value)


@kernel
def _lit(depth: Float32, matrix: Float64, x: float, y: float, z: float, bias: float) -> float:
    """Return the share of the light that reaches a place, by a filter of 3 x 3 depths."""
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


# What a sample's material is, while it is shaded: an array of these.
_RED, _NX, _OPEN, _SHADOW, _ROUGH, _GLOSS, _WRAP = 0, 3, 6, 7, 8, 9, 10
_MATERIAL = 13


@kernel
def _bilinear(column: float, row: float, shift: int, mirrored: bool) -> tuple[int, int, int, int, float, float]:
    """Return two columns and rows of texels, and how far a place lies between them."""
    if mirrored:
        column = WIDTH - column
    u = column - 0.5 + shift
    v = min(max(row - 0.5, 0.0), HEIGHT - 1.001)
    i, j = int(np.floor(u)), int(v)
    return i % WIDTH, (i + 1) % WIDTH, j, j + 1, u - i, v - j


@kernel
def _skin(
    at: Float64, column: float, row: float, regions: Float32, wrinkles: Float32, noise: Float32, surface: Surface,
    up: Float64, mapped: Float64, m: Float64,
) -> None:  # fmt: skip
    """Write the material of the skin.

    Args:
        at: Interpolated attributes.
        column: Texel.
        row: Texel.
        regions: Maps.
        wrinkles: Maps.
        noise: Maps.
        surface: What the person is made of.
        up: The head's upward direction before the camera.
        mapped: Scratch space.
        m: Has the normal; receives the material.
    """
    i0, i1, j0, j1, fu, fv = _bilinear(column, row, 0, False)
    w00, w01, w10, w11 = (1 - fu) * (1 - fv), fu * (1 - fv), (1 - fu) * fv, fu * fv
    for r in range(_REGION_COUNT):
        mapped[r] = (
            w00 * regions[j0, i0, r] + w01 * regions[j0, i1, r] + w10 * regions[j1, i0, r] + w11 * regions[j1, i1, r]
        )
    cavity, slope_u, slope_v = 0.0, 0.0, 0.0
    side = 0 if column > WIDTH / 2 else 1
    for k in range(_WRINKLE_COUNT):
        strength = surface.wrinkles[side, k]
        if strength < 0.02:
            continue
        height = (
            w00 * wrinkles[j0, i0, k, 0] + w01 * wrinkles[j0, i1, k, 0]
            + w10 * wrinkles[j1, i0, k, 0] + w11 * wrinkles[j1, i1, k, 0]
        )  # fmt: skip
        if height > -1e-3 and height < 1e-3:
            continue
        cavity -= min(0.0, strength * height)
        slope_u += strength * (
            w00 * wrinkles[j0, i0, k, 1] + w01 * wrinkles[j0, i1, k, 1]
            + w10 * wrinkles[j1, i0, k, 1] + w11 * wrinkles[j1, i1, k, 1]
        )  # fmt: skip
        slope_v += strength * (
            w00 * wrinkles[j0, i0, k, 2] + w01 * wrinkles[j0, i1, k, 2]
            + w10 * wrinkles[j1, i0, k, 2] + w11 * wrinkles[j1, i1, k, 2]
        )  # fmt: skip
    n00, n01, m0, m1, gu, gv = _bilinear(column, row, surface.noise_shift, surface.noise_mirrored)
    blotch, spot, fine, middle = 0.0, 0.0, 0.0, 0.0
    for k in range(_LAYERS):
        low = noise[m0, n00, k] * (1 - gu) + noise[m0, n01, k] * gu
        value = low * (1 - gv) + (noise[m1, n00, k] * (1 - gu) + noise[m1, n01, k] * gu) * gv
        blotch += surface.blotches[k] * value
        spot += surface.spots[k] * value
        if k == 0:
            fine = value
            slope_u += surface.pores[0] * (noise[m0, n01, 0] - noise[m0, n00, 0]) * 0.4
            slope_v += surface.pores[0] * (noise[m1, n00, 0] - noise[m0, n00, 0]) * 0.4
        elif k == 1:
            middle = value
            slope_u += surface.pores[1] * (noise[m0, n01, 1] - noise[m0, n00, 1])
            slope_v += surface.pores[1] * (noise[m1, n00, 1] - noise[m0, n00, 1])
    blood, dark = blotch + 0.45 * at[EAR], spot + 0.17 * at[EYELID] + 0.12 * at[EAR]
    for r in range(_REGION_COUNT):
        blood += surface.blood[r] * mapped[r]
        dark += surface.melanin[r] * mapped[r]
    if surface.freckles > 0:
        where = mapped[_CHEEK] + mapped[_NOSE] + 0.4 * mapped[_FOREHEAD]
        dark += surface.freckles * where * min(2.0, max(0.0, middle - 0.9))
    shade = exp(-1.1 * dark)
    m[0] = surface.skin[0] * shade * (1 - 0.05 * blood)
    m[1] = surface.skin[1] * shade * (1 - 0.25 * dark) * (1 - 0.20 * blood)
    m[2] = surface.skin[2] * shade * (1 - 0.4 * dark) * (1 - 0.18 * blood)
    hairs = 1 + 0.35 * fine
    stubble = min(1.0, hairs * (surface.stubble * mapped[_MOUSTACHE] + surface.cheek_stubble * mapped[_BEARD]))
    angle = abs(column / WIDTH - 0.5) * 2 * PI
    scalp = surface.scalp * _under_hair(angle, at[BASE_Y], surface.receding)
    painted = surface.shadow_strength * mapped[_UPPER_LID]
    lip = at[LIP] * at[LIP] * (3 - 2 * at[LIP])
    for k in range(3):
        m[k] += painted * (surface.shadow[k] * 0.6 - m[k])
        m[k] += stubble * (0.35 * surface.skin[k] + 0.4 * min(0.1, surface.hair[k]) - m[k])
        m[k] += scalp * (0.6 * surface.hair[k] - m[k])
        m[k] += lip * (surface.lip[k] * shade - m[k])
    m[_OPEN] = at[OCCLUSION] * max(0.3, 1 - 0.3 * cavity)
    m[_ROUGH] = surface.roughness * (1 - 0.25 * lip)
    gloss = 1 + 0.5 * mapped[_NOSE] + 0.35 * mapped[_FOREHEAD] + 0.2 * mapped[_CHEEK] + 0.12 * middle
    m[_GLOSS] = surface.gloss * (1 + 0.5 * lip) * max(0.2, gloss) * (1 - 0.8 * scalp)
    m[_WRAP], m[_WRAP + 1], m[_WRAP + 2] = 0.42, 0.16, 0.09
    if at[INSIDE_MOUTH] > 0.3:
        inside = min(1.0, (at[INSIDE_MOUTH] - 0.3) / 0.4)
        deep = (0.10 + 0.5 * exp(-5.5 * max(0.0, _LIPS_Z - at[BASE_Z]))) * inside + (1 - inside)
        for k, flesh in enumerate((0.42, 0.13, 0.12)):
            m[k] = (m[k] * (1 - inside) + inside * flesh) * deep
        m[_OPEN] = m[_OPEN] * (1 - inside) + 0.55 * inside
        m[_SHADOW] *= 1 - 0.7 * inside
    _bend(slope_u, -slope_v, up, m)


@kernel
def _under_hair(angle: float, height: float, receding: float) -> float:
    """Return how much of the skin at a place is scalp; the hairline is that of the atlas, in straight pieces."""
    if angle < 0.5:
        line = 8.0 + 0.04 * angle + receding * min(1.0, 2 * angle)
    elif angle < 0.95:
        line = 8.02 - 0.378 * (angle - 0.5) + receding * (0.95 - angle) / 0.45
    elif angle < 1.33:
        line = 7.85 - 1.71 * (angle - 0.95)
    elif angle < 1.9:
        line = 7.18
    else:
        line = 7.15 - 0.6 * min(1.0, angle - 1.9)
    return smooth(-0.05, 0.05, height - line)


@kernel
def _bend(slope_u: float, slope_v: float, up: Float64, m: Float64) -> None:
    """Turn a normal by slopes to the right and upwards."""
    nx, ny, nz = m[3], m[4], m[5]
    tx, ty, tz = up[1] * nz - up[2] * ny, up[2] * nx - up[0] * nz, up[0] * ny - up[1] * nx
    size = 1 / np.sqrt(tx * tx + ty * ty + tz * tz + 1e-6)
    tx, ty, tz = tx * size, ty * size, tz * size
    bx, by, bz = ny * tz - nz * ty, nz * tx - nx * tz, nx * ty - ny * tx
    nx, ny, nz = nx - tx * slope_u - bx * slope_v, ny - ty * slope_u - by * slope_v, nz - tz * slope_u - bz * slope_v
    size = 1 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-9)
    m[3], m[4], m[5] = nx * size, ny * size, nz * size


@kernel
def _eye(e: int, x: float, y: float, z: float, eyes: Eyes, surface: Surface, up: Float64, m: Float64) -> None:
    """Write the material of an eyeball at a place before the camera."""
    dx, dy, dz = x - eyes.centers[e, 0], y - eyes.centers[e, 1], z - eyes.centers[e, 2]
    size = 1 / np.sqrt(dx * dx + dy * dy + dz * dz)
    dx, dy, dz = dx * size, dy * size, dz * size
    gx, gy, gz = eyes.gaze[e, 0], eyes.gaze[e, 1], eyes.gaze[e, 2]
    toward = dx * gx + dy * gy + dz * gz
    ax, ay, az = dx - toward * gx, dy - toward * gy, dz - toward * gz
    off = arctan2(np.sqrt(ax * ax + ay * ay + az * az), toward)
    red = min(1.0, max(0.0, (off - 0.75) / 0.5))
    m[0], m[1], m[2] = 0.75, 0.71 * (1 - 0.3 * red), 0.68 * (1 - 0.3 * red)
    q = off / surface.iris_radius
    if q < 1.12:
        turn = arctan2(ax * up[0] + ay * up[1] + az * up[2], ax)
        fibres = 0.82 + 0.16 * sin(17 * turn + 3 * sin(5 * turn)) + 0.10 * sin(41 * turn + 1)
        ring = 0.25 + 0.75 * (1 - min(1.0, max(0.0, (q - 0.78) / 0.24)))
        light = (0.65 + 0.55 * q) * fibres * ring * min(1.0, max(0.0, (q - surface.pupil) / 0.10))
        edge = min(1.0, max(0.0, (1.12 - q) / 0.16))
        for k in range(3):
            m[k] += edge * (surface.iris[k] * light - m[k])
        dx, dy, dz = dx + 0.25 * gx, dy + 0.25 * gy, dz + 0.25 * gz  # the cornea
        size = 1 / np.sqrt(dx * dx + dy * dy + dz * dz)
        dx, dy, dz = dx * size, dy * size, dz * size
    m[3], m[4], m[5] = dx, dy, dz
    height = dx * up[0] + dy * up[1] + dz * up[2]
    below, above = eyes.lids[e, 0] - height, height - eyes.lids[e, 1]
    m[_OPEN] = min(1.0, 0.45 + 2.6 * max(0.0, below)) * min(1.0, 0.7 + 2.0 * max(0.0, above))
    m[_SHADOW] *= min(1.0, 0.45 + 3.0 * max(0.0, below))
    m[_ROUGH], m[_GLOSS] = 0.13, 0.04
    m[_WRAP], m[_WRAP + 1], m[_WRAP + 2] = 0.25, 0.2, 0.2


@kernel
def _mouth(part: int, at: Float64, surface: Surface, m: Float64) -> None:
    """Write the material of teeth and tongue."""
    if part == TONGUE:
        deep = exp(-2.2 * max(0.0, 1.35 - at[BASE_Z]))
        m[0], m[1], m[2] = 0.46 * deep, 0.17 * deep, 0.16 * deep
        m[_OPEN], m[_ROUGH], m[_GLOSS] = 0.55, 0.35, 0.03
        m[_SHADOW] *= 0.6
    else:
        deep = exp(-2.6 * max(0.0, _TEETH_Z - at[BASE_Z]))
        gap = abs(sin(8.2 * arctan2(at[BASE_X], at[BASE_Z] - 1.12)))
        deep *= 0.62 + 0.38 * min(1.0, 3 * gap)
        edge = (at[BASE_Y] - 6.72) if part == UPPER_TEETH else (6.57 - at[BASE_Y])
        gum = max(min(1.0, max(0.0, edge / 0.03)), min(1.0, max(0.0, (1.27 - at[BASE_Z]) / 0.12)))
        for k, flesh in enumerate((0.40, 0.14, 0.13)):
            m[k] = (surface.teeth[k] * (1 - gum) + flesh * gum) * deep
        m[_OPEN], m[_ROUGH], m[_GLOSS] = 0.75, 0.25, 0.03
        m[_SHADOW] = 0.35 + 0.52 * m[_SHADOW]
    m[_WRAP], m[_WRAP + 1], m[_WRAP + 2] = 0.35, 0.22, 0.18


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
    at, mapped, m = np.zeros(10), np.zeros(_REGION_COUNT), np.zeros(_MATERIAL)
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
            m[_SHADOW] = _lit(lighting.depth, lighting.matrix, px, py, pz, _SHADOW_BIAS)
            for k in range(10):
                at[k] = s0 * mesh.attributes[a, k] + s1 * mesh.attributes[b, k] + s2 * mesh.attributes[c, k]
            if part == SKIN:
                first, second, third = mesh.attributes[a, 0], mesh.attributes[b, 0], mesh.attributes[c, 0]
                if abs(first - second) > WIDTH / 2 or abs(first - third) > WIDTH / 2:
                    at[0] = 0.0  # behind, where the last column meets the first
                over = surface.collar[0] + surface.collar[1] * abs(at[BASE_X]) - at[BASE_Y]
                over -= surface.collar[2] * max(0.0, at[BASE_Z] - 0.6)
                _skin(at, at[0], at[1], regions, wrinkles, noise, surface, up, mapped, m)
                if over > 0 and at[BASE_Y] < 5.95:
                    _cloth(surface.cloth, min(1.0, 8 * over), m)
                elif surface.hat and at[EAR] < 0.3:
                    _hat(at, surface, m)
            elif part in (LEFT_EYE, RIGHT_EYE):
                _eye(part - LEFT_EYE, px, py, pz, eyes, surface, up, m)
            else:
                _mouth(part, at, surface, m)
            nx, ny, nz = m[3], m[4], m[5]
            _ambient(lighting.ambient, nx, ny, nz, ambient)
            direct = nx * lighting.direction[0] + ny * lighting.direction[1] + nz * lighting.direction[2]
            filled = nx * lighting.fill_direction[0] + ny * lighting.fill_direction[1] + nz * lighting.fill_direction[2]
            hx, hy, hz = vx + lighting.direction[0], vy + lighting.direction[1], vz + lighting.direction[2]
            size = 1 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)
            half = max(0.0, (nx * hx + ny * hy + nz * hz) * size)
            graze = 1 - max(0.0, (vx * hx + vy * hy + vz * hz) * size)
            facing = max(0.02, nx * vx + ny * vy + nz * vz)
            fresnel = 0.028 + 0.972 * graze * graze * graze * graze * graze
            lobes = 0.45 * _lobe(m[_ROUGH], half) + 0.55 * _lobe(min(1.0, 1.7 * m[_ROUGH]), half)
            lit = m[_SHADOW]
            shine = (
                m[_GLOSS] / 0.028 * fresnel * lobes * 0.25 / (0.7 * max(0.15, facing) + 0.3) * max(0.0, direct) * lit
            )
            rim = 1 - facing
            around = 0.028 + 0.3 * rim * rim * rim * rim * rim
            _ambient(lighting.ambient, 2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz, mirror)
            opened = m[_OPEN]
            for k in range(3):
                wrap = m[_WRAP + k]
                bleeding = 1.6 * wrap / (1 + 1.6 * wrap)
                key = max(0.0, (direct + wrap) / (1 + wrap)) * _raised(lit, bleeding) * (0.35 + 0.65 * opened)
                side = max(0.0, (filled + wrap) / (1 + wrap)) * opened
                sky = ambient[k] * _raised(opened, 0.45 * wrap)
                diffuse = m[k] * (sky + lighting.color[k] * key + lighting.fill_color[k] * side)
                glint = lighting.color[k] * shine + mirror[k] * around * opened * m[_GLOSS] / 0.028 * 0.55
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


@kernel
def _cloth(color: Float64, edge: float, m: Float64) -> None:
    for k in range(3):
        m[k] = color[k]
    m[_OPEN] *= 0.6 + 0.4 * edge
    m[_ROUGH], m[_GLOSS] = 0.8, 0.006


@kernel
def _hat(at: Float64, surface: Surface, m: Float64) -> None:
    """Knit a hat where a scalp is covered."""
    over = at[BASE_Y] - (7.72 + 0.12 * (at[BASE_Z] - 0.4))
    if over <= 0:
        return
    rib = 0.85 + 0.15 * sin(at[0] * 2 * PI / 5)
    band = 1.0 if over > 0.16 else 0.85
    for k in range(3):
        m[k] = surface.cloth[k] * rib * band
    m[_OPEN] *= 0.55 + 0.45 * min(1.0, 10 * over)
    m[_ROUGH], m[_GLOSS] = 0.85, 0.005
    m[_WRAP], m[_WRAP + 1], m[_WRAP + 2] = 0.2, 0.2, 0.2


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
            lit = _lit(lighting.depth, lighting.matrix, px, py, pz, _HAIR_BIAS)
            square = glint * glint
            fourth = square * square
            eighth = fourth * fourth
            wide = eighth * fourth * square
            narrow = wide * wide * wide * wide * fourth
            _ambient(lighting.ambient, vx - view * tx, vy - view * ty, vz - view * tz, ambient)
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
