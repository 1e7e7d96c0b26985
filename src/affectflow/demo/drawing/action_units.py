"""What each action unit moves: the one table that ties the drawing to FACS.

Source: Ekman, Friesen & Hager, Facial Action Coding System (2002), and Ekman & Friesen (1978),
sections "appearance changes" of each action unit. Head units 57 and 58 are described there with
the head positions. Distances are at intensity 5 (E) and chosen to be those of a moving person.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAXIMUM_INTENSITY = 5.0
# A little above proportion, so that weak evidence (A and B) still shows in a small image.
_RESPONSE = 0.85


@dataclass(frozen=True)
class ActionUnit:
    """Appearance changes of one unit at intensity 5.

    moves: facial point -> (outward, downward) in half face widths, the same on both sides.
    effects: fold depths, bulge heights and openings by name, 1 being the strongest seen.
    """

    number: int
    name: str
    moves: Mapping[str, tuple[float, float]]
    effects: Mapping[str, float]


ACTION_UNITS = (
    ActionUnit(1, "inner brow raiser",
        {"brow_inner": (0.00, -0.145), "brow_middle": (0.00, -0.045)},
        {"forehead_centre_fold": 1.0, "lid_lift": 0.15}),
    ActionUnit(2, "outer brow raiser",
        {"brow_outer": (0.01, -0.135), "brow_middle": (0.00, -0.095)},
        {"forehead_side_fold": 1.0, "lid_lift": 0.15}),
    ActionUnit(4, "brow lowerer",
        {"brow_inner": (-0.055, 0.095), "brow_middle": (-0.03, 0.075), "brow_outer": (0.0, 0.03)},
        {"glabella_fold": 1.0, "glabella_bulge": 1.0, "lid_lift": -0.18}),
    ActionUnit(5, "upper lid raiser", {}, {"lid_lift": 1.0}),
    ActionUnit(6, "cheek raiser and lid compressor",
        {"cheek": (0.0, -0.10), "brow_outer": (0.0, 0.02)},
        {"lower_lid_rise": 1.0, "crow_fold": 1.0, "under_eye_fold": 1.0, "cheek_bulge": 0.8,
         "lid_lift": -0.15, "nasolabial_fold": 0.2}),
    ActionUnit(9, "nose wrinkler",
        {"nose_wing": (0.015, -0.075), "lip_upper": (0.0, -0.055), "brow_inner": (-0.02, 0.055),
         "cheek": (0.0, -0.03)},
        {"nose_fold": 1.0, "nasolabial_upper_fold": 0.9, "lower_lid_rise": 0.3,
         "glabella_bulge": 0.4}),
    ActionUnit(10, "upper lip raiser",
        {"lip_upper": (0.0, -0.115), "lip_corner": (0.0, -0.06), "nose_wing": (0.02, -0.03),
         "cheek": (0.0, -0.03)},
        {"nasolabial_upper_fold": 1.0, "cheek_bulge": 0.25, "teeth_bared": 0.6}),
    ActionUnit(12, "lip corner puller",
        {"lip_corner": (0.115, -0.125), "cheek": (0.02, -0.06), "lip_upper": (0.0, -0.012)},
        {"nasolabial_fold": 1.0, "cheek_bulge": 0.7, "lip_thinning": 0.35,
         "lower_lid_rise": 0.12, "teeth_bared": 1.0}),
    ActionUnit(14, "dimpler",
        {"lip_corner": (0.055, 0.0)},
        {"dimple_fold": 1.0, "corner_bulge": 1.0, "lip_thinning": 0.3}),
    ActionUnit(15, "lip corner depressor",
        {"lip_corner": (0.02, 0.125), "lip_lower": (0.0, 0.01)},
        {"below_corner_fold": 1.0, "corner_bulge": 0.3}),
    ActionUnit(17, "chin raiser",
        {"lip_lower": (0.0, -0.06), "lip_upper": (0.0, -0.04), "chin": (0.0, -0.11),
         "lip_corner": (0.0, 0.035)},
        {"chin_fold": 1.0, "chin_bulge": 1.0}),
    ActionUnit(18, "lip pucker",
        {"lip_corner": (-0.185, 0.0)},
        {"pucker_fold": 1.0, "lip_bulge": 1.0, "lip_thinning": -0.7}),
    ActionUnit(20, "lip stretcher",
        {"lip_corner": (0.14, 0.03)},
        {"lip_thinning": 0.7, "stretch_fold": 1.0, "chin_bulge": -0.4, "teeth_bared": 0.6}),
    ActionUnit(25, "lips part", {}, {"lip_gap": 1.0}),
    ActionUnit(26, "jaw drop",
        {"lip_corner": (-0.03, 0.06)},
        {"jaw_drop": 1.0, "lip_gap": 0.5}),
    ActionUnit(43, "eye closure", {"brow_middle": (0.0, 0.01)}, {"eye_closure": 1.0}),
    ActionUnit(57, "head forward", {}, {"head_forward": 1.0}),
    ActionUnit(58, "head back", {}, {"head_forward": -1.0, "below_chin_fold": 1.0}),
)  # fmt: skip

DRAWN_ACTION_UNITS: tuple[int, ...] = tuple(unit.number for unit in ACTION_UNITS)

_INDEX = np.array(DRAWN_ACTION_UNITS) - 1
_POINTS = tuple(sorted({point for unit in ACTION_UNITS for point in unit.moves}))
_EFFECTS = tuple(sorted({effect for unit in ACTION_UNITS for effect in unit.effects}))
_MOVE_TABLE = np.array([[unit.moves.get(point, (0.0, 0.0)) for point in _POINTS] for unit in ACTION_UNITS])
_EFFECT_TABLE = np.array([[unit.effects.get(effect, 0.0) for effect in _EFFECTS] for unit in ACTION_UNITS])


@dataclass(frozen=True)
class Expression:
    """The summed appearance changes of all active units."""

    moves: Mapping[str, tuple[float, float]]
    effects: Mapping[str, float]


def express(intensity: NDArray[np.float32], mobility: float) -> Expression:
    """Return the appearance changes of all AUs together; each grows with the intensity of its AU.

    Args:
        intensity: float32 [60], of AU k at index k - 1, clipped to 0 to 5.
        mobility: How strongly the person's face moves, a factor of about 1.
    """
    share = np.clip(intensity[_INDEX], 0.0, MAXIMUM_INTENSITY) / MAXIMUM_INTENSITY
    strength = share**_RESPONSE * mobility
    moves = np.tensordot(strength, _MOVE_TABLE, axes=1).tolist()
    effects = (strength @ _EFFECT_TABLE).tolist()
    return Expression(
        {point: (move[0], move[1]) for point, move in zip(_POINTS, moves, strict=True)},
        dict(zip(_EFFECTS, effects, strict=True)),
    )
