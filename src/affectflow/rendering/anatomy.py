"""What each action unit moves: the one table that ties the rendered heads to FACS.

Source: Ekman, Friesen & Hager, Facial Action Coding System (2002), appearance changes of each action unit. Each is a
sum of face units (ARKit's names, of which Left and Right are separate) at FACS intensity E, and for some also of
MakeHuman's expression units, of which each person has a share (:class:`affectflow.rendering.person.Person`), so that a
network does not learn one sculptor's idea of an action unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STRONGEST = 5.0
"""FACS intensity E."""


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """Appearance changes of an action unit at intensity E.

    Attributes:
        sided: Weights of face units that there are of each side, by their names without Left and Right.
        middle: Weights of face units of both sides together.
        other_sided: The same by the second rig, with ``*`` for the side.
        other_middle: The same of both sides together.
        other_share: The largest share of the second rig in a person; 0 where it has no such action unit.
        added: Units of the second rig that come on top for everybody.
        wrinkles: Depth of wrinkles by name.
    """

    sided: Mapping[str, float] = field(default_factory=dict)
    middle: Mapping[str, float] = field(default_factory=dict)
    other_sided: Mapping[str, float] = field(default_factory=dict)
    other_middle: Mapping[str, float] = field(default_factory=dict)
    other_share: float = 0.0
    added: Mapping[str, float] = field(default_factory=dict)
    wrinkles: Mapping[str, float] = field(default_factory=dict)


ACTION_UNITS: Mapping[int, ActionUnit] = {
    1: ActionUnit(
        middle={"browInnerUp": 1.5}, other_sided={"eyebrows-*-inner-up": 1.8}, other_share=0.9,
        wrinkles={"forehead_middle": 0.75},
    ),
    2: ActionUnit(
        sided={"browOuterUp": 1.5}, other_sided={"eyebrows-*-extern-up": 1.8}, other_share=0.8,
        wrinkles={"forehead_side": 0.75, "forehead_middle": 0.35},
    ),
    4: ActionUnit(
        sided={"browDown": 1.3}, other_sided={"eyebrows-*-down": 1.5}, other_share=0.7, wrinkles={"glabella": 1.0}
    ),
    5: ActionUnit(sided={"eyeWide": 1.0}, other_sided={"eye-*-opened-up": 1.0}, other_share=0.5),
    6: ActionUnit(
        sided={"cheekSquint": 1.15, "eyeSquint": 0.35},
        wrinkles={"crows_feet": 1.1, "lower_lid": 0.8, "nasolabial": 0.25},
    ),
    7: ActionUnit(
        sided={"eyeSquint": 1.0}, other_sided={"eye-*-slit": 0.5}, other_share=0.4, wrinkles={"lower_lid": 0.8}
    ),
    9: ActionUnit(
        sided={"noseSneer": 1.25, "browDown": 0.3}, added={"nose-*-elevation": 0.7},
        wrinkles={"nose_root": 1.1, "nasolabial": 0.7, "crows_feet": 0.2, "glabella": 0.3},
    ),
    10: ActionUnit(
        sided={"mouthUpperUp": 1.0}, other_middle={"mouth-elevation": 0.9}, other_share=0.4,
        wrinkles={"nasolabial": 0.9},
    ),
    12: ActionUnit(
        sided={"mouthSmile": 1.0}, other_middle={"mouth-corner-puller": 1.0}, other_share=0.6,
        wrinkles={"nasolabial": 0.8, "crows_feet": 0.2, "dimple": 0.25},
    ),
    14: ActionUnit(sided={"mouthDimple": 0.9, "mouthFrown": 0.25}, wrinkles={"dimple": 0.9}),
    15: ActionUnit(
        sided={"mouthFrown": 1.25}, other_middle={"mouth-depression": 1.0}, other_share=0.3,
        added={"mouth-depression": 0.2}, wrinkles={"marionette": 0.8},
    ),
    16: ActionUnit(sided={"mouthLowerDown": 1.0}),
    17: ActionUnit(middle={"mouthShrugLower": 1.2, "mouthShrugUpper": 0.55}, wrinkles={"chin": 1.0}),
    18: ActionUnit(
        middle={"mouthPucker": 1.0}, other_middle={"mouth-pursing": 0.9}, other_share=0.6, wrinkles={"lips": 0.7}
    ),
    20: ActionUnit(
        sided={"mouthStretch": 1.2}, added={"neck-platysma": 0.4}, wrinkles={"nasolabial": 0.3, "marionette": 0.3}
    ),
    22: ActionUnit(middle={"mouthFunnel": 0.7}),
    23: ActionUnit(
        sided={"mouthPress": 0.15}, middle={"mouthRollLower": 0.4, "mouthRollUpper": 0.35, "mouthPucker": 0.28},
        wrinkles={"lips": 0.6},
    ),
    24: ActionUnit(
        sided={"mouthPress": 0.2},
        middle={"mouthRollLower": 0.32, "mouthRollUpper": 0.3, "mouthShrugLower": 0.25, "mouthPucker": 0.15},
        wrinkles={"lips": 0.4},
    ),
    25: ActionUnit(sided={"mouthLowerDown": 0.55, "mouthUpperUp": 0.45}, middle={"jawOpen": 0.07}),
    26: ActionUnit(middle={"jawOpen": 0.45}),
    27: ActionUnit(middle={"jawOpen": 0.95}),
    28: ActionUnit(middle={"mouthRollLower": 0.95, "mouthRollUpper": 0.9}),
    43: ActionUnit(sided={"eyeBlink": 1.0}, other_sided={"eye-*-closure": 1.0}, other_share=0.6),
    # The head's own movement is the camera's: see affectflow.rendering.render.
    57: ActionUnit(),
    58: ActionUnit(),
}  # fmt: skip
"""By number. Pressed lips (23, 24) are rolled in rather than pressed, which this rig shows as a smile."""

RENDERED_ACTION_UNITS: tuple[int, ...] = tuple(ACTION_UNITS)
ONE_SIDED = tuple(unit for unit, one in ACTION_UNITS.items() if one.sided and not one.middle and unit != 25)
"""Those that a person may show on one side alone."""
