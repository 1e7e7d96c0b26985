"""Choose what rendered faces show: action units together as people show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.rendering.anatomy import ONE_SIDED, RENDERED_ACTION_UNITS

SHOWN_ACTION_UNITS = tuple(unit for unit in RENDERED_ACTION_UNITS if unit != 27)
"""Those that faces show; a mouth that is stretched open is AU 26 at its strongest."""
# What faces show together, and how often each part of it: after EMFACS, with the mouth opened where these expressions
# usually open it, and with brows and mouths that move alone.
_PATTERNS: tuple[tuple[float, dict[int, float]], ...] = (
    (0.08, {12: 0.95, 6: 0.5}),
    (0.14, {12: 0.98, 6: 0.75, 25: 0.9, 26: 0.25, 10: 0.1}),
    (0.04, {14: 0.95, 12: 0.25}),
    (0.11, {1: 0.9, 2: 0.9, 5: 0.75, 25: 0.8, 26: 0.8}),
    (0.07, {1: 0.95, 2: 0.95}),
    (0.06, {4: 0.95, 7: 0.5, 9: 0.1}),
    (0.06, {4: 0.95, 7: 0.7, 5: 0.25, 23: 0.5, 24: 0.4, 17: 0.4}),
    (0.06, {4: 0.95, 7: 0.6, 5: 0.3, 10: 0.4, 25: 0.95, 26: 0.7, 22: 0.15, 9: 0.2}),
    (0.10, {1: 0.8, 4: 0.7, 15: 0.85, 17: 0.5}),
    (0.09, {9: 0.85, 10: 0.6, 4: 0.5, 7: 0.4, 17: 0.3, 25: 0.3}),
    (0.08, {1: 0.9, 2: 0.7, 4: 0.7, 5: 0.7, 20: 0.8, 25: 0.7, 26: 0.4}),
    (0.05, {25: 0.95, 26: 0.55}),
    (0.03, {18: 0.95, 22: 0.2}),
    (0.04, {17: 0.85, 15: 0.5, 24: 0.3}),
    (0.02, {24: 0.7, 28: 0.3}),
    (0.03, {43: 0.95}),
)
_NEUTRAL, _RANDOM = 0.2, 0.25
_PART_OF = 0.25
"""Share of the patterns that one more action unit comes on top of."""
_EXCLUDES = (
    *((12, 15), (12, 18), (15, 18), (18, 20), (5, 43), (57, 58), (14, 18), (28, 25), (28, 26), (28, 18)),
    *((24, 25), (24, 26), (23, 25), (23, 26), (24, 28), (18, 12), (22, 20), (22, 12), (7, 43)),
)

_DIMPLER = 14
_ONE_SIDE, _ONE_SIDE_DIMPLER = 0.06, 0.5
"""How many people show an action unit on one side more than on the other; contempt is mostly one-sided."""

Intensities = NDArray[np.float32]


def draw_expression(rng: np.random.Generator, neutral: float = _NEUTRAL, by_chance: float = _RANDOM) -> Intensities:
    """Draw the intensities of a face as people show them, float32 [60].

    Args:
        rng: Source of randomness.
        neutral: Share of faces that show nothing.
        by_chance: Share of the others that show any action units together.
    """
    intensity = np.zeros(facs.COUNT, np.float32)
    if rng.random() < neutral:
        return intensity
    if rng.random() < by_chance:
        chosen = rng.choice(SHOWN_ACTION_UNITS, int(rng.integers(1, 5)), replace=False).tolist()
        strength = 1.0
    else:
        weights = np.array([weight for weight, _ in _PATTERNS])
        pattern = _PATTERNS[rng.choice(len(_PATTERNS), p=weights / weights.sum())][1]
        chosen = [unit for unit, share in pattern.items() if rng.random() < share]
        if rng.random() < _PART_OF:
            chosen.append(int(rng.choice(SHOWN_ACTION_UNITS)))
        strength = rng.uniform(0.4, 1.0)
    rng.shuffle(chosen)
    for unit in chosen:
        if not any(unit in pair and intensity[sum(pair) - unit - 1] > 0 for pair in _EXCLUDES):
            intensity[unit - 1] = np.clip(5 * strength * rng.uniform(0.6, 1.3), 0.6, 5.0)
    return with_open_jaw(intensity)


def with_open_jaw(intensity: Intensities) -> Intensities:
    """Raise AU 25 (lips part) to AU 26 (jaw drop) where it is lower, in place."""
    if intensity[26 - 1] > intensity[25 - 1]:
        intensity[25 - 1] = intensity[26 - 1]
    return intensity


def draw_sides(rng: np.random.Generator) -> tuple[Intensities, Intensities]:
    """Return how much of each action unit a person shows on the left and on the right side, 0 to 1, [60] each.

    Args:
        rng: Source of randomness.
    """
    left, right = np.ones(facs.COUNT, np.float32), np.ones(facs.COUNT, np.float32)
    for unit in ONE_SIDED:
        if rng.random() < (_ONE_SIDE_DIMPLER if unit == _DIMPLER else _ONE_SIDE):
            (left if rng.random() < 0.5 else right)[unit - 1] = rng.uniform(0, 0.3)
    return left, right
