"""Choose the action units of drawn faces, and derive valence and arousal from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.demo.drawing import DRAWN_ACTION_UNITS

SLIGHT = 2
"""An AU is labelled as present from FACS intensity B, as in DISFA's protocol (intensity >= 2)."""

# After EMFACS, with the mouth opened where these expressions usually open it.
_PROTOTYPES: tuple[tuple[int, ...], ...] = (
    (6, 12),
    (6, 12, 25),
    (1, 4, 15),
    (1, 4, 15, 17),
    (1, 2, 5, 25, 26),
    (1, 2, 4, 5, 20, 25),
    (4, 5, 17),
    (9, 10, 17),
    (9, 25),
    (14,),
    (18,),
)
_EXCLUDES = ((12, 15), (12, 18), (15, 18), (18, 20), (5, 43), (57, 58), (14, 18))

# Change per point of FACS intensity; the signs follow the circumplex reading of EMFACS expressions.
_VALENCE = {12: 0.17, 6: 0.08, 4: -0.09, 9: -0.11, 10: -0.07, 15: -0.13, 17: -0.04, 20: -0.05}
_AROUSAL = {5: 0.12, 26: 0.10, 25: 0.04, 1: 0.05, 2: 0.06, 20: 0.07, 4: 0.04, 12: 0.04, 43: -0.12, 15: -0.05}
_RESTING_AROUSAL = -0.25

Intensities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Affect:
    """Valence and arousal in [-1, 1]."""

    valence: float
    arousal: float


def draw_expression(rng: np.random.Generator, presence: float, emotional: float = 0.5) -> Intensities:
    """Draw the intensities of a face, float32 [60].

    Args:
        rng: Source of randomness.
        presence: Probability of each AU.
        emotional: Probability that the face shows a prototypical expression.
    """
    intensity = np.zeros(facs.COUNT, np.float32)
    if rng.random() >= emotional:
        chosen = [unit for unit in DRAWN_ACTION_UNITS if rng.random() < presence]
    else:
        chosen = list(_PROTOTYPES[rng.integers(len(_PROTOTYPES))])
        chosen += [unit for unit in DRAWN_ACTION_UNITS if rng.random() < presence / 3]
    rng.shuffle(chosen)
    for unit in chosen:
        if not any(unit in pair and intensity[sum(pair) - unit - 1] > 0 for pair in _EXCLUDES):
            intensity[unit - 1] = rng.uniform(0.6, 5.0)
    return with_open_jaw(intensity)


def with_open_jaw(intensity: Intensities) -> Intensities:
    """Raise AU 25 (lips part) to AU 26 (jaw drop) where it is lower, in place."""
    if intensity[26 - 1] > intensity[25 - 1]:
        intensity[25 - 1] = intensity[26 - 1]
    return intensity


def draw_course(
    rng: np.random.Generator, frames: int, events: int, presence: float, emotional: float = 0.5
) -> NDArray[np.float32]:
    """Draw the intensities of a video, float32 [frames, 60]: expressions with onset, apex and offset.

    Args:
        rng: Source of randomness.
        frames: Number of frames.
        events: Number of expressions.
        presence: As in :func:`draw_expression`.
        emotional: As in :func:`draw_expression`.
    """
    course = np.zeros((frames, facs.COUNT), np.float32)
    time = np.arange(frames)
    for _ in range(events):
        expression = draw_expression(rng, presence, emotional)
        start = rng.uniform(-0.1, 0.9) * frames
        onset, apex, offset = rng.uniform(0.03, 0.10), rng.uniform(0.08, 0.25), rng.uniform(0.03, 0.12)
        knots = start + frames * np.cumsum([0.0, onset, apex, offset])
        envelope = np.interp(time, knots, [0.0, 1.0, 1.0, 0.0]).astype(np.float32)
        course = np.maximum(course, envelope[:, None] * expression)
    return course


def coded(intensity: Intensities) -> NDArray[np.int8]:
    """Round intensities to the integers from 0 to 5 that a coder writes down."""
    return np.rint(intensity).astype(np.int8)


def affect(intensity: Intensities, rng: np.random.Generator) -> Affect:
    """Return the valence and arousal of an expression, with some noise.

    Args:
        intensity: float32 [60], of AU k at index k - 1, from 0 to 5.
        rng: Source of randomness.
    """
    valence = sum(weight * intensity[unit - 1] for unit, weight in _VALENCE.items())
    arousal = _RESTING_AROUSAL + sum(weight * intensity[unit - 1] for unit, weight in _AROUSAL.items())
    noise = rng.normal(0, 0.03, 2)
    return Affect(
        float(np.clip(np.tanh(valence) + noise[0], -1, 1)),
        float(np.clip(np.tanh(arousal) + noise[1], -1, 1)),
    )
