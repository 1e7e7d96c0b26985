"""From action units to the shape of a face: weights of the head's targets, and depth of wrinkles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow.rendering.anatomy import ACTION_UNITS
from affectflow.rendering.atlas import WRINKLES
from affectflow.rendering.person import ANCESTRIES, Person


def expression_weights(person: Person, left: NDArray[np.floating], right: NDArray[np.floating]) -> dict[str, float]:
    """Return the weights of the targets of an expression.

    Args:
        person: Whose face it is.
        left: Shares of the strongest intensity on the left side, [60].
        right: The same on the right side.
    """
    weights: dict[str, float] = {}

    def add(name: str, weight: float) -> None:
        if weight:
            weights[name] = weights.get(name, 0.0) + weight

    closed = float(max(left[43 - 1], right[43 - 1]))
    for side in ("Left", "Right"):
        add(f"unit/eyeWide{side}", person.wide_eyes * (1 - 0.9 * closed))
    for unit, one in ACTION_UNITS.items():
        gain_left, gain_right = person.gains[unit] if unit != 43 else (1.0, 1.0)
        amounts = {"Left": gain_left * float(left[unit - 1]), "Right": gain_right * float(right[unit - 1])}
        if not any(amounts.values()):
            continue
        both, common = sum(amounts.values()) / 2, min(amounts.values())
        other = person.other_rig.get(unit, 0.0)
        # Units of the second rig that have no side take part in what both sides show.
        replaced = {side: other * (common if one.other_middle else amount) for side, amount in amounts.items()}
        for side, amount in amounts.items():
            for name, weight in one.sided.items():
                add(f"unit/{name}{side}", weight * (amount - replaced[side]))
        for name, weight in one.middle.items():
            add(f"unit/{name}", weight * (both - sum(replaced.values()) / 2))
        for share, ancestry in zip(person.ancestry, ANCESTRIES, strict=True):
            if share < 0.02:
                continue
            for side, amount in amounts.items():
                for name, weight in one.other_sided.items():
                    add(f"expression/{ancestry}/{name.replace('*', side.lower())}", weight * amount * other * share)
            for name, weight in one.other_middle.items():
                add(f"expression/{ancestry}/{name}", weight * other * common * share)
            for name, weight in one.added.items():
                for side, amount in amounts.items() if "*" in name else (("", common),):
                    add(f"expression/{ancestry}/{name.replace('*', side.lower())}", weight * amount * share)
    return weights


def lid_weights(up: float) -> dict[str, float]:
    """Return the weights of the targets by which the lids follow the eyes; ``up`` is the gaze's angle in radians."""
    direction = "Up" if up > 0 else "Down"
    amount = 0.8 * min(1.0, 2.2 * abs(up))
    return {f"unit/eyeLook{direction}{side}": amount for side in ("Left", "Right")}


def wrinkle_depths(person: Person, shares: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the depth of each wrinkle on one side of a face, by age and expression, [wrinkles].

    Args:
        person: Whose face it is.
        shares: Shares of the strongest intensity of each action unit on that side, [60].
    """
    age = person.age
    resting = {
        "forehead_middle": 0.35 * age * age, "forehead_side": 0.3 * age * age, "glabella": 0.25 * age * age,
        "crows_feet": 0.5 * age * age, "lower_lid": 0.3 * age, "nasolabial": 0.12 + 0.45 * age,
        "marionette": 0.45 * age * age, "lips": 0.25 * age * age,
    }  # fmt: skip
    folds = 0.5 + 0.9 * age
    found = []
    for name, own in zip(WRINKLES, person.wrinkles, strict=True):
        shown = max((float(shares[unit - 1]) * one.wrinkles.get(name, 0.0) for unit, one in ACTION_UNITS.items()))
        found.append(float(own) * (resting.get(name, 0.0) + 0.9 * shown * folds))
    return np.array(found)
