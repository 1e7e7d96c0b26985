"""Growth: hair of the head, brows and beards, as strands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.arithmetic import PI, arctan2, cos, kernel, sin
from affectflow.rendering.atlas import (
    BROW_BOX,
    BROW_MAP,
    REGIONS,
    SKULL_CENTER,
    WIDTH,
)
from affectflow.rendering.hair_styles import HairStyle
from affectflow.rendering.head import Float32, Head, Int32
from affectflow.rendering.person import Person
from affectflow.rendering.strands import Strands

_CX, _CY, _CZ = (float(value) for value in SKULL_CENTER)
_EDGE = 0.05
_HAT_EDGE = 7.72
"""Height above which a hat covers the scalp, in decimetres."""
_BROW_POINTS, _BEARD_POINTS = 4, 4
_BROW_HAIRS, _BEARD_HAIRS = 280, 2400
_BROW_X = (0.09, 0.16, 0.28, 0.40, 0.50, 0.575)
_BROW_Y = (7.461, 7.476, 7.496, 7.506, 7.486, 7.436)
_BROW_BEND = (-0.005, 0.0, 0.008, 0.02, 0.012, -0.005)
_BROW_HEIGHT = (0.044, 0.056, 0.052, 0.045, 0.034, 0.020)


def grow_hair(head: Head, person: Person) -> Strands | None:
    """Return a person's hair; None for a bald head.

    Args:
        head: The base head.
        person: The person.
    """
    style = person.style
    if not style.count:
        return None
    rng = np.random.default_rng([person.seed, 1])
    at = head.roots
    limit = at.hairline + person.receding * at.receding + _EDGE * (rng.random(len(at.height)) - 0.5)
    chosen = np.flatnonzero((at.height > limit) & at.beside_ears)
    if person.hat:
        chosen = chosen[at.height[chosen] < _HAT_EDGE]
    chosen = chosen[: style.count]
    triangle, shares = head.root_triangle[chosen], head.root_shares[chosen]
    roots, normals = (
        _interpolated(head.points, head.skin, triangle, shares),
        _interpolated(head.normals, head.skin, triangle, shares),
    )
    # Layers of noise at the roots bend neighbours alike, which makes locks of them.
    layers = head.noise[at.row[chosen], (at.column[chosen] + person.noise_shift) % WIDTH]
    top = _ramp(7.6, 8.2, roots[:, 1])
    flow = _flow(style, rng, roots, normals, top, layers)
    count = len(chosen)
    length = (style.side + (style.top - style.side) * top) * rng.uniform(0.85, 1.1, count)
    lift = style.side_lift + (style.lift - style.side_lift) * top
    clearance = 0.02 + style.clearance * (0.3 + 0.7 * top) * rng.uniform(0.3, 1.0, count)
    phase = 2 * layers[:, 2] + 0.25 * rng.standard_normal(count)
    stray = (0.012 if style.curl or style.points < 8 else 0.022) * rng.standard_normal((count, 3))
    course, depth = np.empty((count, style.points, 3), np.float32), np.empty((count, style.points), np.float32)
    _grow(
        roots, normals, flow, length, lift, clearance, phase, stray, style.gravity, style.stiffness, style.hug,
        style.curl, style.turns, head.skull, course, depth,
    )  # fmt: skip
    opened = 0.35 + 0.65 * np.clip(depth / _outermost(depth), 0, 1)
    if style.points < 6 or style.flow == "tied":
        opened = np.broadcast_to(np.linspace(0.6, 1, style.points), depth.shape)
    tint = np.clip(1 + 0.2 * rng.standard_normal(count) + 0.16 * layers[:, 3], 0.45, 1.7)
    return Strands(triangle, shares, course, tint.astype(np.float32), np.ascontiguousarray(opened, np.float32))


def _outermost(depth: Float32) -> float:
    """Return the distance from the skull that only some of the hairs' outer halves exceed."""
    outer = np.sort(depth[:, depth.shape[1] // 2 :], axis=None)
    return max(0.05, float(outer[int(0.85 * len(outer))])) if len(outer) else 1.0


def grow_brows(head: Head, person: Person) -> Strands:
    """Return the eyebrows of a person.

    Args:
        head: The base head.
        person: The person.
    """
    rng = np.random.default_rng([person.seed, 2])
    rows, columns = BROW_MAP
    left, right, low, high = BROW_BOX
    along = np.linspace(0, 1, len(_BROW_X))
    fade = np.linspace(0, 1, _BROW_POINTS)
    parts = []
    for i, side in enumerate((1, -1)):
        u = 0.97 * rng.random(_BROW_HAIRS)
        x = np.interp(u, along, _BROW_X)
        middle = np.interp(x, _BROW_X, np.array(_BROW_Y) + person.brow_arch * np.array(_BROW_BEND))
        off = 0.85 * rng.uniform(-1, 1, _BROW_HAIRS) + 0.15 * rng.standard_normal(_BROW_HAIRS)
        y = middle + off * person.brow_thickness * np.interp(x, _BROW_X, _BROW_HEIGHT)
        column = np.clip((x - left) / (right - left) * columns, 0, columns - 1).astype(int)
        row = np.clip((high - y) / (high - low) * rows, 0, rows - 1).astype(int)
        number, second = head.brow_triangle[i, row, column], head.brow_shares[i, row, column]
        turn = np.interp(u, [0, 0.15, 0.5, 1], [1.2, 0.7, 0.15, -0.35]) - 0.4 * off
        turn += 0.2 * rng.standard_normal(_BROW_HAIRS)
        length = np.interp(u, [0, 0.2, 0.7, 1], [0.05, 0.07, 0.075, 0.055]) * rng.uniform(0.7, 1.15, _BROW_HAIRS)
        length *= 0.75 + 0.25 * person.brow_thickness
        across, up = np.array([cos(t) for t in turn]), np.array([sin(t) for t in turn])
        toward = np.stack([side * across, up, 0.1 - 0.3 * across * u], axis=1)
        bend = np.array([0.0, -0.18, -0.1])
        course = (toward[:, None] * fade[:, None] + bend * (fade**2)[:, None]) * length[:, None, None]
        on = number >= 0
        parts.append((number[on], np.column_stack([1 - second.sum(axis=1), second])[on], course[on]))
    triangle, shares, course = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    tint = rng.uniform(0.8, 1.2, len(triangle))
    return Strands(
        triangle.astype(np.int32),
        shares.astype(np.float32),
        course.astype(np.float32),
        tint.astype(np.float32),
        np.ones((len(triangle), _BROW_POINTS), np.float32),
    )


def grow_beard(head: Head, person: Person) -> Strands | None:
    """Return the beard of a person, None without one; stubble is a matter of the skin.

    Args:
        head: The base head.
        person: The person.
    """
    if not person.beard:
        return None
    rng = np.random.default_rng([person.seed, 3])
    at = head.roots
    density = head.regions[at.row, at.column, REGIONS.index("moustache")]
    if person.cheek_beard:
        density = np.maximum(density, head.regions[at.row, at.column, REGIONS.index("beard")])
    # The roots are spread over the whole head, so that those of a beard are used several times.
    candidates = np.flatnonzero(density > 0.05)
    chosen = candidates[rng.integers(len(candidates), size=_BEARD_HAIRS)]
    chosen = chosen[rng.random(_BEARD_HAIRS) < density[chosen]]
    count = len(chosen)
    triangle = head.root_triangle[chosen]
    first, second = np.sqrt(rng.random(count)), rng.random(count)
    shares = np.stack([1 - first, first * (1 - second), first * second], axis=1).astype(np.float32)
    roots, normals = (
        _interpolated(head.points, head.skin, triangle, shares),
        _interpolated(head.normals, head.skin, triangle, shares),
    )
    toward = 0.55 * normals + 0.22 * rng.standard_normal((count, 3))
    toward[:, 0] += 0.35 * roots[:, 0]
    toward[:, 1] -= 0.7
    _normalize(toward)
    fade = np.linspace(0, 1, _BEARD_POINTS)
    length = person.beard * rng.uniform(0.6, 1.2, count)
    droop = np.array([0.0, -0.3, 0.0]) * person.beard
    course = toward[:, None] * fade[:, None] * length[:, None, None] + droop * (fade**2)[:, None]
    opened = np.broadcast_to(np.linspace(0.6, 1, _BEARD_POINTS), (count, _BEARD_POINTS))
    tint = rng.uniform(0.7, 1.3, count)
    return Strands(
        triangle,
        shares,
        course.astype(np.float32),
        tint.astype(np.float32),
        np.ascontiguousarray(opened, np.float32),
    )


def _flow(
    style: HairStyle,
    rng: np.random.Generator,
    roots: NDArray[np.float64],
    normals: NDArray[np.float64],
    top: NDArray[np.float64],
    layers: Float32,
) -> NDArray[np.float64]:
    """Return the direction in which each hair tends, [n, 3]."""
    count, x, z = len(roots), roots[:, 0], roots[:, 2]
    side, one, none = (1.0 if rng.random() < 0.5 else -1.0), np.ones(count), np.zeros(count)
    down = np.stack([0.5 * x, -one, none], axis=1)
    match style.flow:
        case "parted":
            away = np.sign(x - 0.28 * side)
            above, below = np.stack([away, -0.15 * one, 0.25 * one], axis=1), np.stack([none, -one, -0.5 * one], axis=1)
        case "back":
            above = np.stack([0.1 * x, 0.1 * one, -one], axis=1)
            below = np.stack([none, -0.7 * one, -0.7 * one], axis=1)
        case "forward":
            above, below = np.stack([0.8 * x + 0.15 * side, -0.3 * one, one], axis=1), down
        case "fall":
            parting = float(rng.choice([0, 0.2, -0.2]))
            away = np.sign(x - parting + 0.01 * rng.standard_normal(count))
            back = _ramp(0.6, -0.1, z)
            above = np.stack([away * (1.1 - 0.6 * back), -0.35 - 0.3 * back, 0.05 - 0.55 * _ramp(0.9, 1.35, z)], axis=1)
            below = above
        case "tied":
            above = np.array([0.0, 7.6, -0.55]) - roots
            below = above
        case _:
            above = 0.5 * rng.standard_normal((count, 3))
            below = above
    flow = above * top[:, None] + below * (1 - top[:, None])
    _normalize(flow)
    inward = np.minimum(0, (flow * normals).sum(axis=1))
    flow -= 0.9 * normals * inward[:, None]
    locks = 0.16 * (0.15 if style.flow == "tied" else 1.0)
    flow += locks * np.stack([layers[:, 2] + layers[:, 3], 0.5 * layers[:, 3], layers[:, 2] - layers[:, 3]], axis=1)
    flow += 0.07 * rng.standard_normal((count, 3))
    _normalize(flow)
    return flow


def _normalize(vectors: NDArray[np.float64]) -> None:
    length = np.sqrt(vectors[:, 0] ** 2 + vectors[:, 1] ** 2 + vectors[:, 2] ** 2)
    vectors /= np.maximum(length, 1e-6)[:, None]


def _ramp(low: float, high: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float64)


def _interpolated(values: Float32, skin: Int32, triangle: Int32, shares: Float32) -> NDArray[np.float64]:
    corners = values[skin[triangle]].astype(np.float64)
    return np.asarray((corners * shares[..., None]).sum(axis=1), np.float64)


@kernel
def _skull_radius(skull: Float32, x: float, y: float, z: float) -> float:
    """Return the radius of the head in a direction from its center."""
    rows = skull.shape[0]
    up = (arctan2(y, np.sqrt(x * x + z * z)) / PI + 0.5) * rows - 0.5
    around = (arctan2(x, z) / PI + 1.0) * rows - 0.5
    i, j = int(np.floor(up)), int(np.floor(around))
    a, b = up - i, around - j
    i0, i1 = min(rows - 1, max(0, i)), min(rows - 1, max(0, i + 1))
    j0, j1 = j % (2 * rows), (j + 1) % (2 * rows)
    low = skull[i0, j0] * (1 - b) + skull[i0, j1] * b
    high = skull[i1, j0] * (1 - b) + skull[i1, j1] * b
    return float(low * (1 - a) + high * a)


@kernel
def _grow(
    roots: NDArray[np.float64],
    normals: NDArray[np.float64],
    flow: NDArray[np.float64],
    length: NDArray[np.float64],
    lift: NDArray[np.float64],
    clearance: NDArray[np.float64],
    phase: NDArray[np.float64],
    stray: NDArray[np.float64],
    gravity: float,
    stiffness: float,
    hug: float,
    curl: float,
    turns: float,
    skull: Float32,
    course: Float32,
    depth: Float32,
) -> None:
    """Follow each hair from its root, off the head and downwards.

    Receives ``course`` [n, k, 3], relative to the roots, and ``depth`` [n, k], the distance from the skull.
    """
    points = course.shape[1]
    for s in range(roots.shape[0]):
        px, py, pz = roots[s, 0], roots[s, 1], roots[s, 2]
        dx = normals[s, 0] * lift[s] + flow[s, 0]
        dy = normals[s, 1] * lift[s] + flow[s, 1]
        dz = normals[s, 2] * lift[s] + flow[s, 2]
        step = length[s] / (points - 1)
        for k in range(points):
            f = k / (points - 1)
            if k > 0:
                bend = 1 - stiffness
                dx = dx * stiffness + flow[s, 0] * bend * (1 - f)
                dy = dy * stiffness + flow[s, 1] * bend * (1 - f) - gravity * (1 - 0.5 * stiffness) * (0.3 + f)
                dz = dz * stiffness + flow[s, 2] * bend * (1 - f)
                size = 1.0 / np.sqrt(dx * dx + dy * dy + dz * dz + 1e-9)
                dx, dy, dz = dx * size, dy * size, dz * size
                px, py, pz = px + dx * step, py + dy * step, pz + dz * step
            hx, hy, hz = px - _CX, py - _CY, pz - _CZ
            far = np.sqrt(hx * hx + hy * hy + hz * hz)
            surface = _skull_radius(skull, hx, hy, hz)
            least = surface + clearance[s] * min(1.0, 3 * f)
            if k > 0 and py > 6.75:
                ux, uy, uz = hx / far, hy / far, hz / far
                out = dx * ux + dy * uy + dz * uz
                hold = hug * min(1.0, max(0.0, (py - 7.15) / 0.5))
                if far > least and hold > 0:
                    to = far + (least - far) * hold
                    px, py, pz = _CX + ux * to, _CY + uy * to, _CZ + uz * to
                    dx, dy, dz = dx - out * hold * ux, dy - out * hold * uy, dz - out * hold * uz
                elif far < least:
                    px, py, pz = _CX + ux * least, _CY + uy * least, _CZ + uz * least
                    if out < 0:
                        dx, dy, dz = dx - out * ux, dy - out * uy, dz - out * uz
            elif k > 0:  # around the neck
                beside = np.sqrt(px * px + (pz - 0.3) * (pz - 0.3))
                if beside < 0.62:
                    px, pz = px * 0.62 / beside, 0.3 + (pz - 0.3) * 0.62 / beside
            round_ = curl * min(1.0, 2 * f)
            angle = phase[s] + turns * f * 2 * PI
            course[s, k, 0] = px - roots[s, 0] + round_ * cos(angle) + stray[s, 0] * f
            course[s, k, 1] = py - roots[s, 1] + round_ * 0.5 * sin(1.3 * angle) + stray[s, 1] * f
            course[s, k, 2] = pz - roots[s, 2] + round_ * sin(angle) + stray[s, 2] * f
            depth[s, k] = far - surface
