"""Name the emotions of many images by their AUs.

An AU of an emotion is present if it is labelled or predicted with at least the intensity that the table of emotions
gives; where no intensity is known, it counts as the strongest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.facs.emotions import Emotion

NEUTRAL = "Neutral"
_STRONGEST = 5.0
_MIN_SHARE = 0.5  # of an emotion's AUs, to be exceeded
THRESHOLD = 0.5
"""Probability from which an AU is present, of models that have no thresholds of their own."""

Levels = NDArray[np.float64]
"""Intensity of the 60 AUs, [n, 60], from 0 to 5, NaN where unknown."""


def recorded_levels(units: NDArray[np.int8], intensities: NDArray[np.float32]) -> Levels:
    """Convert labels to intensities.

    Args:
        units: -1 (unknown), 0 or 1, [n, 60], as in :class:`affectflow.datasets.sample.Sample`.
        intensities: From 0 to 5, [n, 60], NaN where unknown; a present AU without intensity gets 5.
    """
    by_presence = np.where(units == facs.UNKNOWN, np.nan, np.where(units == facs.PRESENT, _STRONGEST, 0.0))
    return np.where(np.isnan(intensities), by_presence, intensities.astype(np.float64))


def predicted_levels(
    probabilities: NDArray[np.float32], intensities: NDArray[np.float32], thresholds: Mapping[str, float]
) -> Levels:
    """Convert a model's predictions to intensities.

    Args:
        probabilities: Of presence, [n, 60], NaN for AUs without a trained head.
        intensities: From 0 to 5, [n, 60], NaN for AUs without a trained head.
        thresholds: Probability from which an AU is present, by AU; 0.5 for others.
    """
    limits = [thresholds.get(facs.label(unit), THRESHOLD) for unit in range(1, facs.COUNT + 1)]
    strength = np.where(np.isnan(intensities), _STRONGEST, intensities.astype(np.float64))
    by_probability = np.where(probabilities >= limits, strength, 0.0)
    return np.where(np.isnan(probabilities), intensities.astype(np.float64), by_probability)


def shares(emotions: Mapping[str, Emotion], levels: Levels) -> dict[str, NDArray[np.float64]]:
    """Compute the share of each emotion's AUs that is present.

    Args:
        emotions: The emotions; neutral has no share.
        levels: Intensities, [n, 60].

    Returns:
        Shares in [0, 1] by emotion, [n], NaN where none of its AUs is known.
    """
    found = {}
    for name, emotion in emotions.items():
        if not emotion.parts:
            continue
        of_emotion = levels[:, [part.unit - 1 for part in emotion.parts]]
        known = ~np.isnan(of_emotion)
        present = known & (np.where(known, of_emotion, 0.0) >= [part.min_intensity for part in emotion.parts])
        count = known.sum(axis=1)
        found[name] = np.where(count > 0, present.sum(axis=1) / np.maximum(count, 1), np.nan)
    return found


def name_emotions(emotions: Mapping[str, Emotion], levels: Levels) -> list[str]:
    """Name the emotion with the largest share of AUs present; among equals the one with more AUs, then the first.

    Args:
        emotions: The emotions.
        levels: Intensities, [n, 60].

    Returns:
        n names: neutral where no share exceeds a half, "" where no AU of any emotion is known.
    """
    found = shares(emotions, levels)
    by_size = sorted(found, key=lambda name: -len(emotions[name].parts))
    table = np.stack([found[name] for name in by_size], axis=1)
    known = ~np.isnan(table)
    table = np.where(known, table, -1.0)
    best = table.argmax(axis=1)
    enough = table.max(axis=1) > _MIN_SHARE
    return [
        "" if not any_known else (by_size[column] if shows else NEUTRAL)
        for any_known, column, shows in zip(np.atleast_1d(known.any(axis=1)), best, enough, strict=True)
    ]
