"""The base head: its mesh, the targets that move it, and the maps of its skin."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.rendering.atlas import BOTTOM, HEIGHT, TOP, WIDTH, hairline
from affectflow.rendering.parts import LASHES, LEFT_EYE, LOWER_TEETH, RIGHT_EYE, SKIN, TARGET_STEPS, UPPER_TEETH
from affectflow.rendering.raster import find_normals, morph

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

_TEETH = {UPPER_TEETH: (0, -0.045, 0.015), LOWER_TEETH: (0, -0.03, -0.01)}
"""By how much the teeth are moved to where they show in a smile."""
_FOREMOST = 0.2
_EAR = 0.25
_IN_MOUTH = 51


@dataclass(frozen=True, eq=False)
class Roots:
    """Places where hair may grow, all arrays [roots]: texel, height, and how far up the hairline is there."""

    column: NDArray[np.int64]
    row: NDArray[np.int64]
    height: NDArray[np.float64]
    hairline: NDArray[np.float64]
    receding: NDArray[np.float64]
    """By how much the hairline goes up for a decimetre that it recedes at the temples."""
    beside_ears: NDArray[np.bool_]
    """Whether it is not on an ear."""


@dataclass(frozen=True, eq=False)
class Head:
    """The content of a head file; positions are in decimetres, +y up, +z forward, +x to the person's left.

    Attributes:
        points: Positions [n, 3].
        triangles: Points of each triangle but the lashes' [t, 3]; those inside the mouth are there from both sides.
        triangle_part: Part of each of these triangles [t].
        skin: Points of the triangles of the skin, in the order by which hairs name them.
        lashes: Two inner and two outer points of each piece of the lashes, and whether it is of an upper lid, [l, 5].
        part: Part of each point [n].
        attributes: Of each point, what shading interpolates, see :data:`ATTRIBUTES`, [n, 10].
        target_names: Names of the targets.
        target_offsets: Where each begins in ``target_indices``, and the end.
        target_indices: Point of each change.
        target_deltas: The changes [m, 3].
        regions: float32 [height, width, regions].
        wrinkles: float32 [height, width, wrinkles, 3].
        noise: float32 [height, width, layers].
        skull: Radius of the head by height and angle.
        root_triangle: Triangles of places where hair may grow.
        root_shares: Shares of their points [roots, 3].
        brow_triangle: Triangles below the eyebrows, see :mod:`affectflow.rendering.atlas`.
        brow_shares: Shares of their second and third point.
    """

    points: Float32
    triangles: Int32
    triangle_part: Int32
    skin: Int32
    lashes: Int32
    part: NDArray[np.int8]
    attributes: Float32
    target_names: Sequence[str]
    target_offsets: Int32
    target_indices: Int32
    target_deltas: Float32
    regions: Float32
    wrinkles: Float32
    noise: Float32
    skull: Float32
    root_triangle: Int32
    root_shares: Float32
    brow_triangle: Int32
    brow_shares: Float32

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Number of each target by name."""
        return {name: number for number, name in enumerate(self.target_names)}

    @cached_property
    def eyes(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Points of the left and the right eyeball."""
        return np.flatnonzero(self.part == LEFT_EYE), np.flatnonzero(self.part == RIGHT_EYE)

    @cached_property
    def normals(self) -> Float32:
        """Normals of the base head [n, 3]."""
        found = np.zeros_like(self.points)
        find_normals(self.points, self.triangles, found)
        return found

    @cached_property
    def nose_tip(self) -> int:
        """The point that lies foremost."""
        skin = np.flatnonzero((self.part == SKIN) & (np.abs(self.points[:, 0]) < _FOREMOST))
        return int(skin[np.argmax(self.points[skin, 2])])

    @cached_property
    def mouth_corners(self) -> tuple[int, int]:
        """The left and right ends of the lips."""
        lips = np.flatnonzero(self.attributes[:, LIP] > 0.5)
        x = self.points[lips, 0]
        return int(lips[np.argmax(x)]), int(lips[np.argmin(x)])

    @cached_property
    def face(self) -> NDArray[np.intp]:
        """Points from the hairline to the chin and from ear to ear, whose frame is the face's box."""
        x, y, z = self.points.T
        return np.flatnonzero((self.part == SKIN) & (z > 0.55) & (y > 6.18) & (y < 8.05) & (np.abs(x) < 0.9))

    @cached_property
    def around_eyes(self) -> NDArray[np.intp]:
        """Points of the skin before which glasses stay: brows, lids and cheekbones, without the nose."""
        x, y = np.abs(self.points[:, 0]), self.points[:, 1]
        return np.flatnonzero((self.part == SKIN) & (x > 0.13) & (x < 0.55) & (y > 7.05) & (y < 7.55))

    @cached_property
    def roots(self) -> Roots:
        """What is known of the places where hair may grow."""
        corners = self.skin[self.root_triangle]
        column, row, ear = (
            np.asarray((self.attributes[corners, k].astype(np.float64) * self.root_shares).sum(axis=1))
            for k in (COLUMN, ROW, EAR)
        )
        angle = (column / WIDTH - 0.5) * 2 * np.pi
        line, far = hairline(angle), hairline(angle, 1.0)
        return Roots(
            column=column.astype(int) % WIDTH,
            row=np.clip(row.astype(int), 0, HEIGHT - 1),
            height=TOP - row / HEIGHT * (TOP - BOTTOM),
            hairline=line,
            receding=far - line,
            beside_ears=ear < _EAR,
        )

    @cached_property
    def eye_radius(self) -> float:
        """Radius of an eyeball in decimetres."""
        ball = self.points[self.eyes[0]].astype(np.float64)
        off = ball - ball.sum(axis=0) / len(ball)
        return float(np.sqrt((off**2).sum(axis=1)).sum() / len(ball))

    @cached_property
    def lid_margins(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Points of the lids over the middle of the left and the right eye."""
        left, right = (
            np.flatnonzero(
                (self.attributes[:, EYELID] > 0.5)
                & (np.abs(self.points[:, 0] - self.points[eye, 0].mean()) < 0.45 * self.eye_radius)
            )
            for eye in self.eyes
        )
        return left, right

    def moved(self, points: Float32, weights: dict[str, float]) -> Float32:
        """Return points after targets.

        Args:
            points: Positions [n, 3].
            weights: Weight of each target by name.
        """
        moved = points.copy()
        which = np.array([self.number_of[name] for name in weights], np.int32)
        shares = np.array(list(weights.values()), np.float32)
        morph(moved, self.target_offsets, self.target_indices, self.target_deltas, which, shares)
        return moved


ATTRIBUTES = ("column", "row", "occlusion", "lip", "eyelid", "ear", "inside_mouth", "x", "y", "z")
"""What each point has: its texel, shares of regions, and its place on the base head."""
COLUMN, ROW, OCCLUSION, LIP, EYELID, EAR, INSIDE_MOUTH, BASE_X, BASE_Y, BASE_Z = range(len(ATTRIBUTES))


@lru_cache(maxsize=2)
def read_head(path: Path) -> Head:
    """Read a head file.

    Raises :class:`UserError` where it is missing or damaged.

    Args:
        path: The file that :func:`affectflow.rendering.source.fetch_head` wrote.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it and run again.") from None
    part, triangles, of_triangle = arrays["part"], arrays["triangles"], arrays["triangle_part"]
    points = arrays["points"].astype(np.float32)
    for teeth, shift in _TEETH.items():
        points[part == teeth] += np.array(shift, np.float32)
    inside = arrays["mask_inside_mouth"]
    solid = triangles[of_triangle != LASHES]
    of_solid = of_triangle[of_triangle != LASHES]
    walls = np.flatnonzero((of_solid == SKIN) & (inside[solid].max(axis=1) > _IN_MOUTH))
    wrinkles = arrays["wrinkles"].astype(np.float32) * arrays["wrinkle_scale"]
    return Head(
        points=points,
        triangles=np.ascontiguousarray(np.concatenate([solid, solid[walls][:, ::-1]])),
        triangle_part=np.concatenate([of_solid, of_solid[walls]]).astype(np.int32),
        skin=np.ascontiguousarray(triangles[of_triangle == SKIN]),
        lashes=_lashes(points, part, triangles[of_triangle == LASHES]),
        part=part,
        attributes=_attributes(points, part, arrays),
        target_names=arrays["target_names"].tolist(),
        target_offsets=arrays["target_offsets"],
        target_indices=arrays["target_indices"].astype(np.int32),
        target_deltas=arrays["target_deltas"].astype(np.float32) / TARGET_STEPS,
        regions=arrays["regions"].astype(np.float32) / 100,
        wrinkles=wrinkles,
        noise=arrays["noise"].astype(np.float32) / 32,
        skull=arrays["skull"],
        root_triangle=arrays["root_triangle"],
        root_shares=arrays["root_shares"],
        brow_triangle=arrays["brow_triangle"],
        brow_shares=arrays["brow_shares"],
    )


def _attributes(points: Float32, part: NDArray[np.int8], arrays: dict[str, NDArray[np.generic]]) -> Float32:
    """Return ``ATTRIBUTES`` of all points."""
    lip, eyelid, ear, inside = (
        arrays[f"mask_{name}"].astype(np.float32) / 255 for name in ("lips", "eyelids", "ears", "inside_mouth")
    )
    occlusion = np.where(part == SKIN, arrays["occlusion"].astype(np.float32) / 255, 1)
    # The mesh is closed: the skin around lids and lips is darker in it than where they open.
    outside = (part == SKIN) & (inside < 0.5)
    occlusion = np.where(outside, np.clip(0.85 * occlusion + 0.15, 0.3, 1), occlusion)
    texels = arrays["texels"].astype(np.float32)
    return np.column_stack([texels, occlusion, lip, eyelid, ear, inside, points]).astype(np.float32)


def _lashes(points: Float32, part: NDArray[np.int8], triangles: Int32) -> Int32:
    """Return the pieces of the lashes as [inner, inner, outer, outer, upper]: two triangles are a piece each."""
    half = len(triangles) // 2
    pieces = []
    for (a, b, c), (_, _, d) in zip(triangles[:half], triangles[half:], strict=True):
        eye = LEFT_EYE if points[a, 0] > 0 else RIGHT_EYE
        center = points[part == eye].mean(axis=0)
        corners = [int(i) for i in (a, b, c, d)]
        far = [float(np.linalg.norm(points[i] - center)) for i in corners]
        if abs(far[0] - far[1]) + abs(far[2] - far[3]) < abs(far[1] - far[2]) + abs(far[3] - far[0]):
            corners, far = corners[1:] + corners[:1], far[1:] + far[:1]
        if far[0] > far[1]:
            corners = [corners[1], corners[0], corners[3], corners[2]]
        # Now 0 and 3 are at the lid, 1 and 2 at the tips.
        pieces.append([corners[0], corners[3], corners[1], corners[2], int(points[a, 1] > center[1])])
    return np.array(pieces, np.int32)
