"""What a person is made of: the material of skin, eyes, teeth, hair on the skin, clothes and hats at a place.

A material is an array of numbers, see :data:`MATERIAL`. All colors are linear RGB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, arctan2, exp, kernel, sin, smooth
from affectflow.rendering.atlas import HEIGHT, REGIONS, WIDTH, WRINKLES
from affectflow.rendering.head import BASE_X, BASE_Y, BASE_Z, EAR, EYELID, INSIDE_MOUTH, LIP, OCCLUSION
from affectflow.rendering.parts import TONGUE, UPPER_TEETH
from affectflow.rendering.person import Person

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

REGION_COUNT = len(REGIONS)
_WRINKLE_COUNT = len(WRINKLES)
_BEARD, _MOUSTACHE, _UPPER_LID = REGIONS.index("beard"), REGIONS.index("moustache"), REGIONS.index("upper_lid")
_CHEEK, _NOSE, _FOREHEAD = REGIONS.index("cheek"), REGIONS.index("nose"), REGIONS.index("forehead")
_LAYERS = 5
_LIPS_Z, _TEETH_Z = 1.5, 1.5

OPEN, SHADOW, ROUGH, GLOSS, WRAP = 6, 7, 8, 9, 10
MATERIAL = 13
"""Numbers of a material: color [0:3], normal [3:6], share of the sky that is open, share of the light with shadows,
roughness, reflectance, and how far light of each color goes around edges [10:13]."""


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


def surface_of(person: Person, wrinkles: NDArray[np.float64]) -> Surface:
    """Return what a person is made of.

    Args:
        person: The person.
        wrinkles: Depth of each wrinkle on the left and the right side, [2, wrinkles].
    """
    bald = not person.style.count
    return Surface(
        person.skin, person.lip, person.hair, person.cloth, person.collar, person.teeth, person.iris, person.shadow,
        person.shadow_strength, person.iris_radius, person.pupil, person.roughness, person.gloss, person.blood,
        person.melanin, person.blotches, person.spots, person.pores, person.freckles, person.noise_shift,
        person.noise_mirrored, wrinkles, max(person.stubble, 0.6 if person.beard else 0.0),
        max(person.stubble, 0.6 if person.beard and person.cheek_beard else 0.0),
        0.12 if bald else 0.7 if person.style.name == "buzz" else 0.95, person.receding, person.hat,
    )  # fmt: skip


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
def skin_material(
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
    for r in range(REGION_COUNT):
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
    for r in range(REGION_COUNT):
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
    m[OPEN] = at[OCCLUSION] * max(0.3, 1 - 0.3 * cavity)
    m[ROUGH] = surface.roughness * (1 - 0.25 * lip)
    gloss = 1 + 0.5 * mapped[_NOSE] + 0.35 * mapped[_FOREHEAD] + 0.2 * mapped[_CHEEK] + 0.12 * middle
    m[GLOSS] = surface.gloss * (1 + 0.5 * lip) * max(0.2, gloss) * (1 - 0.8 * scalp)
    m[WRAP], m[WRAP + 1], m[WRAP + 2] = 0.42, 0.16, 0.09
    if at[INSIDE_MOUTH] > 0.3:
        inside = min(1.0, (at[INSIDE_MOUTH] - 0.3) / 0.4)
        deep = (0.10 + 0.5 * exp(-5.5 * max(0.0, _LIPS_Z - at[BASE_Z]))) * inside + (1 - inside)
        for k, flesh in enumerate((0.42, 0.13, 0.12)):
            m[k] = (m[k] * (1 - inside) + inside * flesh) * deep
        m[OPEN] = m[OPEN] * (1 - inside) + 0.55 * inside
        m[SHADOW] *= 1 - 0.7 * inside
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
def eye_material(e: int, x: float, y: float, z: float, eyes: Eyes, surface: Surface, up: Float64, m: Float64) -> None:
    """Write the material of an eyeball.

    Args:
        e: 0 for the left eye, 1 for the right one.
        x: Of the place before the camera, as y and z.
        y: See x.
        z: See x.
        eyes: Where the eyes are and look.
        surface: What the person is made of.
        up: The head's upward direction before the camera.
        m: Receives the material.
    """
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
    m[OPEN] = min(1.0, 0.45 + 2.6 * max(0.0, below)) * min(1.0, 0.7 + 2.0 * max(0.0, above))
    m[SHADOW] *= min(1.0, 0.45 + 3.0 * max(0.0, below))
    m[ROUGH], m[GLOSS] = 0.13, 0.04
    m[WRAP], m[WRAP + 1], m[WRAP + 2] = 0.25, 0.2, 0.2


@kernel
def mouth_material(part: int, at: Float64, surface: Surface, m: Float64) -> None:
    """Write the material of teeth and tongue.

    Args:
        part: Part of the mesh.
        at: Interpolated attributes.
        surface: What the person is made of.
        m: Receives the material.
    """
    if part == TONGUE:
        deep = exp(-2.2 * max(0.0, 1.35 - at[BASE_Z]))
        m[0], m[1], m[2] = 0.46 * deep, 0.17 * deep, 0.16 * deep
        m[OPEN], m[ROUGH], m[GLOSS] = 0.55, 0.35, 0.03
        m[SHADOW] *= 0.6
    else:
        deep = exp(-2.6 * max(0.0, _TEETH_Z - at[BASE_Z]))
        gap = abs(sin(8.2 * arctan2(at[BASE_X], at[BASE_Z] - 1.12)))
        deep *= 0.62 + 0.38 * min(1.0, 3 * gap)
        edge = (at[BASE_Y] - 6.72) if part == UPPER_TEETH else (6.57 - at[BASE_Y])
        gum = max(min(1.0, max(0.0, edge / 0.03)), min(1.0, max(0.0, (1.27 - at[BASE_Z]) / 0.12)))
        for k, flesh in enumerate((0.40, 0.14, 0.13)):
            m[k] = (surface.teeth[k] * (1 - gum) + flesh * gum) * deep
        m[OPEN], m[ROUGH], m[GLOSS] = 0.75, 0.25, 0.03
        m[SHADOW] = 0.35 + 0.52 * m[SHADOW]
    m[WRAP], m[WRAP + 1], m[WRAP + 2] = 0.35, 0.22, 0.18


@kernel
def cloth_material(color: Float64, edge: float, m: Float64) -> None:
    """Write the material of clothes.

    Args:
        color: Their color.
        edge: 0 at the collar, to 1 away from it.
        m: Receives the material.
    """
    for k in range(3):
        m[k] = color[k]
    m[OPEN] *= 0.6 + 0.4 * edge
    m[ROUGH], m[GLOSS] = 0.8, 0.006


@kernel
def hat_material(at: Float64, surface: Surface, m: Float64) -> None:
    """Write the material of a knitted hat over that of the skin, above the hat's edge.

    Args:
        at: Interpolated attributes.
        surface: What the person is made of.
        m: Has the material of the skin; receives that of the hat.
    """
    over = at[BASE_Y] - (7.72 + 0.12 * (at[BASE_Z] - 0.4))
    if over <= 0:
        return
    rib = 0.85 + 0.15 * sin(at[0] * 2 * PI / 5)
    band = 1.0 if over > 0.16 else 0.85
    for k in range(3):
        m[k] = surface.cloth[k] * rib * band
    m[OPEN] *= 0.55 + 0.45 * min(1.0, 10 * over)
    m[ROUGH], m[GLOSS] = 0.85, 0.005
    m[WRAP], m[WRAP + 1], m[WRAP + 2] = 0.2, 0.2, 0.2
