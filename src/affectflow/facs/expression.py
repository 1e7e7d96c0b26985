"""Which emotion AUs make, of many images at once.

An AU is present where it is recorded, or probable, and its intensity is that of its letter in the table of emotions,
where intensities are known.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.facs.emotions import Emotion

NEUTRAL = "Neutral"
_STRONGEST = 5.0
_ENOUGH = 0.5  # of an emotion's AUs must be exceeded
_PROBABLE = 0.5

Levels = NDArray[np.float64]
"""Intensity of the 60 AUs, [n, 60], from 0 to 5, NaN where unknown."""


def recorded_levels(units: NDArray[np.int8], intensities: NDArray[np.float32]) -> Levels:
    """Of labels as in :class:`affectflow.datasets.sample.Sample`; an AU that is only said to be present has 5."""
    said = np.where(units == facs.UNKNOWN, np.nan, np.where(units == facs.PRESENT, _STRONGEST, 0.0))
    return np.where(np.isnan(intensities), said, intensities.astype(np.float64))


def predicted_levels(probabilities: NDArray[np.float32], intensities: NDArray[np.float32]) -> Levels:
    """Of a model's outputs, [n, 60] each, NaN for AUs that it was not taught."""
    strength = np.where(np.isnan(intensities), _STRONGEST, intensities.astype(np.float64))
    by_probability = np.where(probabilities >= _PROBABLE, strength, 0.0)
    return np.where(np.isnan(probabilities), intensities.astype(np.float64), by_probability)


def shares(emotions: Mapping[str, Emotion], levels: Levels) -> dict[str, NDArray[np.float64]]:
    """Of each emotion but neutral, which share of its AUs is present, [n]; NaN where none of them is known."""
    found = {}
    for name, emotion in emotions.items():
        if not emotion.parts:
            continue
        of_parts = levels[:, [part.unit - 1 for part in emotion.parts]]
        known = ~np.isnan(of_parts)
        present = known & (np.where(known, of_parts, 0.0) >= [part.least for part in emotion.parts])
        count = known.sum(axis=1)
        found[name] = np.where(count > 0, present.sum(axis=1) / np.maximum(count, 1), np.nan)
    return found


def name_emotions(emotions: Mapping[str, Emotion], levels: Levels) -> list[str]:
    """The emotion of which the largest share shows, of equals the one with more AUs, then the first.

    Neutral where no share exceeds a half; empty where no AU of any emotion is known.
    """
    found = shares(emotions, levels)
    by_size = sorted(found, key=lambda name: -len(emotions[name].parts))
    table = np.stack([found[name] for name in by_size], axis=1)
    known = ~np.isnan(table)
    table = np.where(known, table, -1.0)
    best = table.argmax(axis=1)
    enough = table.max(axis=1) > _ENOUGH
    return [
        "" if not any_known else (by_size[place] if shows else NEUTRAL)
        for any_known, place, shows in zip(np.atleast_1d(known.any(axis=1)), best, enough, strict=True)
    ]
