"""Maps of the base head's skin in cylindrical coordinates: regions, wrinkles, irregularities, and where hair grows.

A column of a map is an angle around the head's axis, and a row a height. All maps are the same for everybody; a person
is how much of each they have (:mod:`affectflow.rendering.skin`), which is looked up while an image is shaded. They are
made once, with the head file, and kept as small integers.

Places are in decimetres on the base head seen from the front: x from the middle, y from the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.raster import FAR, rasterize

WIDTH, HEIGHT = 512, 320
TOP, BOTTOM = 8.6, 5.9
AXIS_Z = 0.3
"""Where the axis of the angles goes through the head."""

REGIONS = ("cheek", "nose", "forehead", "eye", "chin", "upper_lid", "beard", "moustache")
NOISE_SIGMAS = (0.8, 1.8, 4.0, 11.0, 32.0)
"""Of the Gaussian that each layer of noise is smoothed by, in texels."""
NOISE_STEP = 1 / 32
BROW_MAP = (64, 128)
"""Rows and columns of the map that finds the triangle below a hair of an eyebrow."""
BROW_BOX = (0.0, 0.72, 7.30, 7.66)
"""Its place: least and greatest x and y, mirrored for the right brow."""
SKULL_CENTER = np.array([0.0, 7.5, 0.42])
SKULL_ROWS = 64
_ROOTS = 16_000

Float32 = NDArray[np.float32]
Place = tuple[float, float]


def make_atlas(
    points: Float32, skin: NDArray[np.int32], inside_mouth: NDArray[np.uint8]
) -> dict[str, NDArray[np.generic]]:
    """Return all maps by name.

    Args:
        points: Positions of the base head [n, 3].
        skin: Points of each triangle of its skin [t, 3]; hairs name triangles by their number in this list.
        inside_mouth: How much each point lies in the mouth, 0 to 255.
    """
    angle = np.arctan2(points[:, 0], points[:, 2] - AXIS_Z)
    texels = np.stack(
        [(angle / (2 * np.pi) + 0.5) * WIDTH, (TOP - points[:, 1]) / (TOP - BOTTOM) * HEIGHT], axis=1
    ).astype(np.float32)
    surface = _surface(points, texels, skin, inside_mouth)
    wrinkles, scale = _wrinkles(surface)
    rng = np.random.default_rng(0)
    noise = np.stack([_smooth_noise(rng, sigma) for sigma in NOISE_SIGMAS], axis=-1)
    triangles, shares = _scalp_roots(points, skin, inside_mouth)
    brow_triangle, brow_shares = _brow_map(points, skin)
    return {
        "texels": texels,
        "regions": np.rint(100 * _regions(surface)).astype(np.int8),
        "wrinkles": wrinkles,
        "wrinkle_scale": scale,
        "noise": np.clip(np.rint(noise / NOISE_STEP), -127, 127).astype(np.int8),
        "skull": _skull(points, inside_mouth),
        "root_triangle": triangles,
        "root_shares": shares,
        "brow_triangle": brow_triangle,
        "brow_shares": brow_shares,
    }


def hairline(angle: NDArray[np.floating], receding: float = 0.0) -> NDArray[np.float64]:
    """Return the height of the hairline, in decimetres.

    Args:
        angle: Angle around the head, 0 in front.
        receding: How far it goes back at the temples, in decimetres.
    """
    turns = [0, 0.25, 0.5, 0.75, 0.95, 1.1, 1.22, 1.33, 1.42, 1.9, 2.2, 2.6, np.pi]
    heights = [7.99, 8.0, 8.02, 7.97, 7.85, 7.6, 7.5, 7.2, 7.15, 7.15, 6.75, 6.6, 6.55]
    heights[1] += 0.5 * receding
    heights[2] += receding
    heights[3] += 0.7 * receding
    return np.asarray(np.interp(np.abs(angle), turns, heights), np.float64)


def _surface(points: Float32, texels: Float32, skin: NDArray[np.int32], inside_mouth: NDArray[np.uint8]) -> Float32:
    """Return the outermost position of the skin at each texel, [height, width, 3]; holes are filled smoothly."""
    import cv2

    outer = skin[~(inside_mouth[skin].max(axis=1) > 128)]
    columns = texels[outer, 0]
    outer = outer[np.ptp(columns, axis=1) < WIDTH / 2]
    inward = 50 - np.hypot(points[:, 0], points[:, 2] - AXIS_Z)
    screen = np.column_stack([texels, inward, 1 / inward]).astype(np.float32)
    depth = np.full((HEIGHT, WIDTH), FAR, np.float32)
    number, shares = np.full((HEIGHT, WIDTH), -1, np.int32), np.zeros((HEIGHT, WIDTH, 2), np.float32)
    rasterize(screen, outer, False, depth, number, shares)
    known = number >= 0
    corners, second, third = outer[number[known]], shares[known][:, :1], shares[known][:, 1:]
    found = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    found[known] = (
        points[corners[:, 0]] * (1 - second - third) + points[corners[:, 1]] * second + points[corners[:, 2]] * third
    )
    near = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 4)[..., None]
    filled = cv2.GaussianBlur(found, (0, 0), 4) / np.maximum(near, 1e-4)
    return np.where(known[..., None], found, filled).astype(np.float32)


def _smooth_noise(rng: np.random.Generator, sigma: float) -> Float32:
    """Return noise of deviation 1 that goes on over the seam at the back, [height, width]."""
    import cv2

    white = rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    margin = WIDTH // 2
    wide = np.concatenate([white[:, -margin:], white, white[:, :margin]], axis=1)
    smooth = np.asarray(cv2.GaussianBlur(wide, (0, 0), sigma))[:, margin : margin + WIDTH]
    return np.asarray(smooth / smooth.std(), np.float32)


def _blob(x: Float32, y: Float32, at: Place, width: float, height: float) -> Float32:
    return np.asarray(np.exp(-(((x - at[0]) / width) ** 2) / 2 - ((y - at[1]) / height) ** 2 / 2), np.float32)


def _step(low: float, high: float, x: NDArray[np.floating]) -> NDArray[np.float64]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float64)


def _regions(surface: Float32) -> NDArray[np.float64]:
    """Return how much each texel belongs to each of ``REGIONS``, 0 to 1, [height, width, regions]."""
    x, y, z = np.abs(surface[..., 0]), surface[..., 1], surface[..., 2]
    jaw = np.interp(x, [0, 0.15, 0.3, 0.5, 0.62, 0.75, 0.85], [6.79, 6.78, 6.70, 6.72, 6.90, 7.2, 7.3])
    lip = _step(0.28, 0.2, x) * _step(6.715, 6.74, y) * _step(6.85, 6.79, y + 0.18 * x)
    moustache = lip * (1 - 0.4 * _blob(x, y, (0, 6.8), 0.02, 0.05))
    below = _step(0.03, -0.05, y - jaw) * _step(6.0, 6.15, y) * (z > 0.3)
    around_mouth = (1 - _blob(x, y, (0, 6.61), 0.22, 0.08)) * (1 - 0.85 * _blob(x, y, (0.17, 6.5), 0.05, 0.05))
    beard = below * around_mouth * (1 - _step(6.7, 6.72, y) * (x < 0.27))
    found = {
        "cheek": _blob(x, y, (0.42, 6.92), 0.17, 0.16) * (z > 0.6),
        "nose": _blob(x, y, (0, 6.98), 0.12, 0.12) * (z > 1.3),
        "forehead": _blob(x, y, (0, 7.8), 0.5, 0.2),
        "eye": _blob(x, y, (0.31, 7.2), 0.15, 0.10) + 0.6 * _blob(x, y, (0.16, 7.25), 0.06, 0.1),
        "chin": _blob(x, y, (0, 6.35), 0.2, 0.1),
        "upper_lid": _blob(x, y, (0.33, 7.36), 0.13, 0.05),
        "beard": beard,
        "moustache": moustache,
    }
    return np.asarray(np.clip(np.stack([found[name] for name in REGIONS], axis=-1), 0, 1), np.float64)


# Wrinkles, as lines in which the skin sinks between soft shoulders.


def _forehead(heights: Sequence[float], bend: float, inner: float, outer: float) -> list[list[Place]]:
    columns = np.linspace(max(inner, 0.005), outer, 9)
    return [[(x, y + 0.02 * np.sin(9 * x) + bend * (x / 0.5) ** 2) for x in columns] for y in heights]


Line = tuple[float, float, Sequence[Place]]
"""Depth, width in texels, and places."""
_LINES: dict[str, list[Line]] = {
    "forehead_middle": [(1, 1.2, line) for line in _forehead((7.66, 7.75, 7.84, 7.93), -0.03, 0, 0.3)],
    "forehead_side": [(1, 1.2, line) for line in _forehead((7.64, 7.72, 7.81, 7.9), -0.05, 0.22, 0.62)],
    "glabella": [
        (1, 1.4, [(0.075, 7.36), (0.07, 7.45), (0.085, 7.56), (0.1, 7.62)]),
        (0.6, 1.2, [(0.02, 7.39), (0.016, 7.5), (0.02, 7.57)]),
    ],
    "nose_root": [
        (1, 1.2, [(0.005, 7.3), (0.05, 7.3), (0.1, 7.285)]),
        (1, 1.2, [(0.07, 7.24), (0.1, 7.18), (0.15, 7.1)]),
        (0.7, 1.2, [(0.1, 7.24), (0.14, 7.17), (0.19, 7.1)]),
    ],
    "crows_feet": [
        (1, 1.0, [(0.5 + 0.03 * k, 7.27 + 0.1 * a), (0.57, 7.27 + 0.22 * a), (0.64, 7.26 + 0.36 * a)])
        for k, a in enumerate((-0.55, -0.1, 0.35, 0.75))
    ],
    "lower_lid": [
        (1, 1.2, [(0.19, 7.19), (0.25, 7.14), (0.33, 7.125), (0.42, 7.15), (0.48, 7.2)]),
        (0.7, 1.3, [(0.17, 7.17), (0.24, 7.09), (0.34, 7.06), (0.45, 7.1)]),
    ],
    "nasolabial": [(1.5, 2.0, [(0.17, 7.03), (0.23, 6.95), (0.29, 6.84), (0.335, 6.73), (0.36, 6.62)])],
    "marionette": [(1, 1.5, [(0.28, 6.63), (0.305, 6.54), (0.315, 6.44), (0.3, 6.36)])],
    "dimple": [(1, 1.5, [(0.335, 6.75), (0.36, 6.67), (0.345, 6.58)])],
    "chin": [(1, 1.6, [(0.005, 6.475), (0.08, 6.465), (0.15, 6.44)])],
    "lips": [
        *((1, 0.8, [(x, 6.76), (1.05 * x, 6.80)]) for x in (0.03, 0.08, 0.13, 0.18)),
        *((1, 0.8, [(x, 6.49), (1.05 * x, 6.44)]) for x in (0.04, 0.1, 0.15)),
    ],
}
WRINKLES = tuple(_LINES)
_SEGMENTS = 40


def _wrinkles(surface: Float32) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return height, slope to the right and downwards of each wrinkle, [height, width, wrinkles, 3], and the scale."""
    import cv2

    layers = []
    for name, lines in _LINES.items():
        height = sum((depth * _groove(surface, places, width) for depth, width, places in lines), np.float32(0))
        if name == "chin":  # pits besides the fold
            pits = _smooth_noise(np.random.default_rng(5), 1.6)
            height = height + 0.9 * pits * _blob(np.abs(surface[..., 0]), surface[..., 1], (0, 6.38), 0.13, 0.09)
        slopes = [cv2.Sobel(height, cv2.CV_32F, *axes, ksize=3) / 8 for axes in ((1, 0), (0, 1))]
        layers.append(np.stack([height, *slopes], axis=-1))
    found = np.stack(layers, axis=2)
    scale = np.abs(found).max(axis=(0, 1, 2)) / 127
    return np.rint(found / scale).astype(np.int8), scale.astype(np.float32)


def _groove(surface: Float32, places: Sequence[Place], width: float) -> Float32:
    """Return the height of a line on both sides of the face."""
    import cv2

    depth = np.zeros((HEIGHT, WIDTH), np.float32)
    for side in (1, -1):
        knots = np.array([_texel_of(surface, side * x, y) for x, y in places], np.float32)
        along, fine = np.linspace(0, 1, len(knots)), np.linspace(0, 1, _SEGMENTS)
        line = np.stack([np.interp(fine, along, knots[:, axis]) for axis in (0, 1)], axis=1)
        layer = np.zeros_like(depth)
        for i, (start, end) in enumerate(pairwise(line)):
            strength = float(np.sin(np.pi * (i + 0.5) / (_SEGMENTS - 1)) ** 0.7)
            first, last = (tuple((16 * corner).astype(int).tolist()) for corner in (start, end))
            cv2.line(layer, first, last, strength, 1, cv2.LINE_AA, 4)
        depth = np.maximum(depth, layer)
    valley, shoulders = (cv2.GaussianBlur(depth, (0, 0), sigma) for sigma in (width, 2.6 * width))
    return np.asarray(width * (1.3 * shoulders - 1.9 * valley), np.float32)


def _texel_of(surface: Float32, x: float, y: float) -> tuple[float, float]:
    """Return column and row of a place in front."""
    row = float(np.clip((TOP - y) / (TOP - BOTTOM) * HEIGHT, 0, HEIGHT - 1))
    front = surface[int(row), WIDTH // 2 : WIDTH // 2 + WIDTH // 4, 0]
    return WIDTH // 2 + np.sign(x) * float(np.argmin(np.abs(front - abs(x)))), row


# Where hair grows.


def _scalp_roots(
    points: Float32, skin: NDArray[np.int32], inside_mouth: NDArray[np.uint8]
) -> tuple[NDArray[np.int32], Float32]:
    """Return triangle and shares of its points of places spread over scalp, cheeks and neck, evenly by area."""
    corners = points[skin].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    area *= (inside_mouth[skin].max(axis=1) < 20) & (corners.mean(axis=1)[:, 1] > 6.0)
    rng = np.random.default_rng(1)
    chosen = rng.choice(len(skin), _ROOTS, p=area / area.sum())
    first, second = np.sqrt(rng.random(_ROOTS)), rng.random(_ROOTS)
    shares = np.stack([1 - first, first * (1 - second), first * second], axis=1)
    return chosen.astype(np.int32), shares.astype(np.float32)


def _brow_map(points: Float32, skin: NDArray[np.int32]) -> tuple[NDArray[np.int32], Float32]:
    """Return triangle and shares at each place of ``BROW_BOX`` seen from the front, [2, rows, columns], left first."""
    rows, columns = BROW_MAP
    left, right, low, high = BROW_BOX
    triangles = np.full((2, rows, columns), -1, np.int32)
    shares = np.zeros((2, rows, columns, 2), np.float32)
    for i, side in enumerate((1, -1)):
        column = (side * points[:, 0] - left) / (right - left) * columns
        row = (high - points[:, 1]) / (high - low) * rows
        depth = 50 - points[:, 2]
        screen = np.column_stack([column, row, depth, 1 / depth]).astype(np.float32)
        nearest = np.full((rows, columns), FAR, np.float32)
        rasterize(screen, skin, False, nearest, triangles[i], shares[i])
    return triangles, shares


def _skull(points: Float32, inside_mouth: NDArray[np.uint8]) -> Float32:
    """Return the radius of the head around ``SKULL_CENTER`` by height and angle, [rows, 2 * rows]."""
    above = (points[:, 1] > 6.2) & (inside_mouth < 60)
    out = points[above] - SKULL_CENTER
    radius = np.linalg.norm(out, axis=1)
    direction = out / radius[:, None]
    height = (np.arange(SKULL_ROWS) + 0.5) / SKULL_ROWS * np.pi - np.pi / 2
    angle = (np.arange(2 * SKULL_ROWS) + 0.5) / SKULL_ROWS * np.pi - np.pi
    found = np.zeros((SKULL_ROWS, 2 * SKULL_ROWS), np.float32)
    for i, up in enumerate(height):
        toward = np.stack([np.cos(up) * np.sin(angle), np.full(len(angle), np.sin(up)), np.cos(up) * np.cos(angle)])
        closeness = direction @ toward
        nearest = np.argpartition(-closeness, 4, axis=0)[:4]
        weight = 1 / (1.0001 - np.take_along_axis(closeness, nearest, axis=0))
        found[i] = (weight * radius[nearest]).sum(axis=0) / weight.sum(axis=0)
    return found
