"""Wrinkles and folds of the skin: lasting ones of age and those of contracted muscle.

FACS describes most units by the folds they make; without these a small image shows little.
"""

import numpy as np

from affectflow.demo.drawing.curves import Points, smooth
from affectflow.demo.drawing.geometry import Face

Spot = tuple[float, float]

# Folds shallower than this cannot be seen.
_VISIBLE = 0.03
_RAISED = 0.03


class _Folds:
    """Folds of one face, collected as control points and projected all at once."""

    def __init__(self) -> None:
        self.depths: list[float] = []
        self._spots: list[tuple[Spot, ...]] = []

    def add(self, depth: float, *spots: Spot) -> None:
        if depth > _VISIBLE:
            self.depths.append(depth)
            self._spots.append(spots)

    def lines(self, face: Face) -> list[Points]:
        """Smooth lines in the head frame."""
        if not self._spots:
            return []
        flat = np.array([spot for spots in self._spots for spot in spots])
        projected = face.pose.face(flat[:, 0], flat[:, 1], _RAISED)
        ends = np.cumsum([len(spots) for spots in self._spots])[:-1]
        return [smooth(spots, 4) for spots in np.split(projected, ends)]


def _forehead(folds: _Folds, face: Face) -> None:
    """Horizontal lines: in the middle by AU1, over the outer brows by AU2, all by age."""
    age = 0.20 * max(0.0, face.identity.age - 0.4)
    center = 0.85 * face.effects["forehead_centre_fold"] + age
    sides = 0.85 * face.effects["forehead_side_fold"] + 0.8 * age
    rest = face.eye_y - face.identity.brow_height
    lift = 0.22 * (face.move("brow_inner", 1)[1] + face.move("brow_inner", -1)[1])
    for row in range(3):
        fade = 1 - 0.2 * row
        y = rest - 0.16 - 0.13 * row + lift
        folds.add(
            fade * center,
            (-0.30, y + 0.02), (-0.12, y), (0.0, y + 0.012), (0.12, y), (0.30, y + 0.02),
        )  # fmt: skip
        for side in (-1, 1):
            y = rest - 0.17 - 0.12 * row + 0.45 * face.move("brow_outer", side)[1]
            folds.add(
                fade * sides,
                (side * 0.30, y - 0.015),
                (side * 0.48, y - 0.05),
                (side * 0.70, y + 0.03),
            )


def _around_eye(folds: _Folds, face: Face, side: int) -> None:
    """Crow's feet and the furrow under the eye (AU6), glabella (AU4), nose root (AU9)."""
    identity, effects = face.identity, face.effects
    spacing, width = identity.eye_spacing, identity.eye_width
    outer, y = spacing + width + 0.03, face.eye_y - identity.eye_tilt
    crow = 0.9 * effects["crow_fold"] + 0.35 * max(0.0, identity.age - 0.5)
    for start, end in ((-0.04, -0.13), (0.01, 0.0), (0.05, 0.11), (0.09, 0.20)):
        x = outer - (0.04 if start > 0.06 else 0.0)
        folds.add(crow, (side * x, y + start), (side * (x + 0.15), y + end))

    near, far = spacing - width, spacing + width
    low = face.eye_y + 0.135 - 0.04 * effects["under_eye_fold"]
    folds.add(
        0.85 * effects["under_eye_fold"] + 0.20 * identity.age,
        (side * (near + 0.01), low - 0.06), (side * (near + 0.12), low),
        (side * (far - 0.14), low + 0.005), (side * (far - 0.01), low - 0.045),
    )  # fmt: skip

    pull_x, pull_y = face.move("brow_inner", side)
    x, y = side * 0.085 + 0.6 * pull_x, face.eye_y - identity.brow_height + 0.7 * pull_y
    folds.add(
        0.95 * effects["glabella_fold"] + 0.25 * max(0.0, identity.age - 0.5),
        (x + side * 0.01, y - 0.11), (x, y), (x + side * 0.015, y + 0.11),
    )  # fmt: skip

    wrinkle, y = 0.75 * effects["nose_fold"], face.eye_y
    for row, (start, end) in enumerate(((0.02, -0.03), (0.10, 0.02), (0.18, 0.08))):
        folds.add(wrinkle, (side * (0.17 + 0.01 * row), y + start), (side * 0.03, y + end))


def _around_mouth(folds: _Folds, face: Face, side: int) -> None:
    """Nasolabial fold (AU6, 9, 10, 12), dimple (AU14), and folds beside the corner (AU15, 20)."""
    effects, age = face.effects, face.identity.age
    wing_x, wing_y = face.nose(side)
    x, y = face.corner(side)
    top_x, top_y = wing_x + side * 0.04, wing_y - 0.05
    end_x, end_y = x + side * 0.11, y + 0.09
    full, upper = effects["nasolabial_fold"], effects["nasolabial_upper_fold"]
    bow = side * (0.05 + 0.05 * full)
    middle = (0.5 * (top_x + end_x) + bow, 0.5 * (top_y + end_y) - 0.03)
    quarter = (0.7 * top_x + 0.3 * end_x + 0.7 * bow, 0.7 * top_y + 0.3 * end_y - 0.02)
    folds.add(0.85 * full + 0.06 + 0.20 * age, (top_x, top_y), quarter, middle, (end_x, end_y))
    folds.add(
        0.9 * upper,
        (top_x - side * 0.03, top_y - 0.06),
        (top_x + side * 0.01, top_y),
        quarter,
        middle,
    )
    beside = x + side * 0.045
    folds.add(
        1.1 * effects["dimple_fold"],
        (beside, y - 0.10),
        (beside + side * 0.04, y),
        (beside, y + 0.10),
    )
    folds.add(
        0.85 * effects["below_corner_fold"] + 0.22 * max(0.0, age - 0.4),
        (x + side * 0.02, y + 0.02), (x + side * 0.06, y + 0.12), (x + side * 0.04, y + 0.24),
    )  # fmt: skip
    for reach in (0.08, 0.16):
        beside = x + side * reach
        folds.add(
            0.6 * effects["stretch_fold"],
            (beside, y - 0.10), (beside + side * 0.02, y), (beside, y + 0.12),
        )  # fmt: skip


def _middle(folds: _Folds, face: Face) -> None:
    """Chin folds (AU17), lines into puckered lips (AU18), fold under a drawn-back chin (AU58)."""
    effects = face.effects
    chin, pucker = 0.85 * effects["chin_fold"], 0.55 * effects["pucker_fold"]
    y = face.chin_y - 0.36
    folds.add(0.12 + chin, (-0.22, y + 0.07), (-0.1, y), (0.1, y), (0.22, y + 0.07))
    for x, drop in ((-0.11, 0.15), (0.0, 0.11), (0.11, 0.15), (-0.05, 0.22), (0.06, 0.21)):
        folds.add(0.7 * chin, (x - 0.02, y + drop), (x + 0.02, y + drop + 0.015))
    y = face.mouth_y
    for x in (-0.16, -0.08, 0.08, 0.16):
        folds.add(pucker, (1.2 * x, y - 0.19), (x, y - 0.10))
        folds.add(pucker, (x, y + 0.15), (1.2 * x, y + 0.22))
    y, below = face.chin_y + 0.09, effects["below_chin_fold"]
    folds.add(below, (-0.36, y - 0.12), (-0.15, y), (0.15, y), (0.36, y - 0.12))


def skin_folds(face: Face) -> list[tuple[Points, float]]:
    """All folds deep enough to show, with their depth from 0 to about 1."""
    folds = _Folds()
    _forehead(folds, face)
    _middle(folds, face)
    for side in (-1, 1):
        _around_eye(folds, face, side)
        _around_mouth(folds, face, side)
    return list(zip(folds.lines(face), folds.depths, strict=True))
