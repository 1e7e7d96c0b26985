"""The shape of one face with one expression: curves in the frame of the head."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from affectflow.demo.drawing.action_units import Expression
from affectflow.demo.drawing.curves import HeadPose, Points, smooth
from affectflow.demo.drawing.identity import Identity

# Right half of the head outline at rest, crown to chin: x, y, depth, how much the jaw carries it.
_OUTLINE = np.array(
    [
        (0.00, -1.58, 0.00, 0.0),
        (0.52, -1.46, 0.00, 0.0),
        (0.85, -1.10, 0.00, 0.0),
        (0.97, -0.60, 0.00, 0.0),
        (0.99, -0.15, 0.00, 0.0),
        (0.95, 0.30, 0.00, 0.1),
        (0.84, 0.72, 0.10, 0.5),
        (0.60, 1.08, 0.35, 0.9),
        (0.30, 1.30, 0.60, 1.0),
        (0.00, 1.36, 0.68, 1.0),
    ]
)
_EYE_LEVEL = -0.20
# How far each of the five points of a brow follows its inner end, middle and outer end.
_BROW_SHARES = np.array([(1.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 1.0, 0.0), (0.0, 0.5, 0.5), (0.0, 0.0, 1.0)])
_ACROSS = np.linspace(-1.0, 1.0, 17)
_LENS = (1 - _ACROSS**2) ** 0.75
_LID = np.linspace(-1.0, 1.0, 13)


@dataclass(frozen=True)
class Eye:
    """Projected curves of one eye, inner to outer corner."""

    upper: Points
    lower: Points
    fold: Points
    center: Points
    openness: float

    @property
    def outline(self) -> Points:
        """Closed outline of the opening between the lids."""
        return np.concatenate([self.upper, self.lower[::-1]])


@dataclass(frozen=True)
class Mouth:
    """Projected curves of the mouth, left to right corner."""

    upper_top: Points
    upper_bottom: Points
    lower_top: Points
    lower_bottom: Points
    teeth_bottom: Points
    gap: float


class Face:
    """Positions of the facial features, by identity, expression and pose."""

    def __init__(self, identity: Identity, expression: Expression, pose: HeadPose) -> None:
        self.identity = identity
        self.effects = expression.effects
        self.pose = pose
        self._moves = expression.moves
        effects = expression.effects
        self.jaw = 0.30 * effects["jaw_drop"]
        self.eye_y = _EYE_LEVEL
        self.nose_y = _EYE_LEVEL + identity.nose_length * identity.face_length
        self.mouth_y = self.nose_y + identity.mouth_height * identity.face_length

    def move(self, point: str, side: int) -> tuple[float, float]:
        """Return how far a facial point moves on one side, to the right and downward in half face widths.

        Args:
            point: Name of the point, such as ``brow_inner``.
            side: -1 for the left of the image, 1 for the right.
        """
        outward, downward = self._moves[point]
        unequal = 1 + side * self.identity.asymmetry
        return side * outward * unequal, downward * unequal

    @cached_property
    def outline(self) -> Points:
        """Closed outline of the head, projected."""
        identity = self.identity
        x, y, depth, carried = _OUTLINE.T.copy()
        below = np.clip(y, 0, None) / 1.36
        x *= 1 + below * (identity.jaw_width - 1) + 0.04 * (identity.cheek_fullness - 0.5) * below
        y = np.where(y > 0, y * identity.face_length, y)
        y += carried**2 * (0.1 * (identity.chin_length - 1) + 0.85 * self.jaw)
        y[-2:] += 0.35 * self._moves["chin"][1]
        x *= 1 - 0.10 * self.effects["jaw_drop"] * carried * (1 - carried) * 4
        x = np.concatenate([x, -x[-2:0:-1]])
        y, depth = (np.concatenate([half, half[-2:0:-1]]) for half in (y, depth))
        return smooth(self.pose.outline(x, y, depth), 4, closed=True)

    @property
    def chin_y(self) -> float:
        """Lowest point of the chin at the middle, in the frame of the unturned head."""
        rise = 0.35 * self._moves["chin"][1]
        return 1.36 * self.identity.face_length + 0.85 * self.jaw + rise

    def brow(self, side: int) -> tuple[Points, Points]:
        """Center line and half thickness of one brow, inner to outer end."""
        identity = self.identity
        base = _EYE_LEVEL - identity.brow_height
        ends = np.array(
            [
                (0.17, base + identity.brow_tilt),
                (0.31, base - 0.5 * identity.brow_arch),
                (0.47, base - identity.brow_arch),
                (0.63, base - 0.5 * identity.brow_arch),
                (0.76, base + 0.06 - identity.brow_tilt),
            ]
        )
        shift = [self.move(f"brow_{part}", side) for part in ("inner", "middle", "outer")]
        x, y = (ends * (side, 1) + _BROW_SHARES @ np.array(shift)).T
        half = 0.5 * identity.brow_thickness * np.array([0.85, 1.0, 0.95, 0.75, 0.25])
        center = self.pose.face(x, y, 0.04)
        return smooth(center, 4), smooth(half[:, None], 4)

    @cached_property
    def eyes(self) -> dict[int, Eye]:
        """Both eyes by side."""
        return {side: self._eye(side) for side in (-1, 1)}

    def _eye(self, side: int) -> Eye:
        """Lids of one eye: AU5 lifts the upper, AU6 the lower, AU43 brings them together."""
        identity, effects = self.identity, self.effects
        opening = identity.eye_opening
        unequal = 1 + side * identity.asymmetry * 0.3
        rest = 0.098 * opening
        lower_height = 0.058 * opening - 0.052 * effects["lower_lid_rise"] * unequal
        closing = min(1.0, effects["eye_closure"] * 1.05)
        upper_height = max(rest + 0.085 * effects["lid_lift"] * unequal, 0.03 - lower_height)
        upper_height += closing * (-lower_height + 0.006 - upper_height)
        arch = (1 - np.abs(_LID + 0.08) ** 2.2).clip(0) ** 0.8
        arch[[0, -1]] = 0
        x = side * (identity.eye_spacing + identity.eye_width * _LID)
        axis = self.eye_y - identity.eye_tilt * _LID
        upper, lower = axis - upper_height * arch, axis + lower_height * arch
        brow_pull = 0.25 * self.move("brow_middle", side)[1]
        crease = upper - (0.045 + 0.03 * closing) * (0.55 + 0.45 * arch) + brow_pull
        heights = np.concatenate([upper, lower, crease, [self.eye_y - 0.012]])
        across = np.append(np.tile(x, 3), side * identity.eye_spacing)
        points = self.pose.face(across, heights)
        upper, lower, crease = points[:-1].reshape(3, -1, 2)
        return Eye(upper, lower, crease, points[-1], upper_height + lower_height)

    def nose(self, side: int) -> tuple[float, float]:
        """Position of one nose wing in the frame of the unturned head."""
        x, y = self.move("nose_wing", side)
        return side * self.identity.nose_width + x, self.nose_y - 0.05 + y

    def corner(self, side: int) -> tuple[float, float]:
        """Position of one mouth corner in the frame of the unturned head."""
        x, y = self.move("lip_corner", side)
        rest = self.mouth_y + side * self.identity.mouth_tilt
        return side * self.identity.mouth_width + x, rest + y + 0.15 * self.jaw

    @cached_property
    def mouth(self) -> Mouth:
        """Lips between the two corners; the jaw carries the lower one."""
        identity, effects = self.identity, self.effects
        (left_x, left_y), (right_x, right_y) = self.corner(-1), self.corner(1)
        left = _ACROSS < 0
        x = np.where(left, -_ACROSS * left_x, _ACROSS * right_x)
        corner_y = np.where(left, left_y, right_y)
        line = self.mouth_y + (corner_y - self.mouth_y) * np.abs(_ACROSS) ** 1.7

        parted = 0.155 * effects["lip_gap"]
        gap = parted + self.jaw * (0.45 + 0.55 * min(1.0, 2.0 * effects["lip_gap"]))
        thickness = 1 - 0.45 * min(max(effects["lip_thinning"], -0.8), 1.2)
        flat = 1 - _ACROSS**4
        raised = self._moves["lip_upper"][1]
        raised = max(raised, -0.62 * (self.mouth_y - self.nose_y - identity.upper_lip))
        upper_bottom = line + raised * flat - 0.3 * parted * _LENS
        pushed = self._moves["lip_lower"][1]
        lower_top = line + (0.6 * raised + 0.8 * pushed) * flat + (gap - 0.3 * parted) * _LENS
        lower_top = np.maximum(lower_top, upper_bottom)
        gap = float((lower_top - upper_bottom).max())
        bow = 1 - 0.22 * np.exp(-((_ACROSS / 0.13) ** 2))
        upper_top = upper_bottom - identity.upper_lip * thickness * _LENS**0.9 * bow
        lower_bottom = lower_top + identity.lower_lip * thickness * _LENS
        shown = 0.045 + 0.065 * min(1.0, effects["teeth_bared"])
        bite = np.minimum(upper_bottom + shown * _LENS**0.5, lower_top)
        raise_lips = (0.10 + 0.10 * max(0.0, effects["lip_bulge"])) * _LENS
        curves = (upper_top, upper_bottom, lower_top, lower_bottom, bite)
        points = self.pose.face(np.tile(x, 5), np.concatenate(curves), np.tile(raise_lips, 5))
        top, upper, lower, bottom, teeth = points.reshape(5, -1, 2)
        return Mouth(top, upper, lower, bottom, teeth, gap)
