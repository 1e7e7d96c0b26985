"""A face in an image, as a detector finds it or a data set ships it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EYES = (slice(36, 42), slice(42, 48))
_NOSE, _MOUTH = 30, (48, 54)
_KNOWN_SCHEMES = (66, 68)
_FAR = 1e6  # pixels
_FOREHEAD = 0.3  # of the height from brows to chin, that a detector's box adds above


@dataclass(frozen=True, slots=True)
class Face:
    """Positions in pixels of the upright image, x to the right and y down; they may lie outside of it.

    ``box`` is left, top, width, height. ``points`` are x, y of five landmarks (eyes, tip of the nose, corners of the
    mouth; of two, the image's left one first), or empty where only a box is known. ``score`` is the detector's
    confidence, 0 to 1, or NaN.
    """

    box: tuple[float, float, float, float]
    points: tuple[float, ...] = ()
    score: float = float("nan")


def face_of_landmarks(landmarks: NDArray[np.float64]) -> Face | None:
    """The face that landmarks [n, 2] outline; None where they are no numbers, all at zero, or in one place.

    Of 68 points (iBUG 300-W) and of 66 (the same without the inner corners of the mouth) it is known which is which;
    others give a box alone.
    """
    if not _sensible(landmarks) or not landmarks.any():
        return None
    (left, top), (right, bottom) = landmarks.min(axis=0), landmarks.max(axis=0)
    if right <= left or bottom <= top:
        return None
    above = _FOREHEAD * (bottom - top)
    box = (float(left), float(top - above), float(right - left), float(bottom - top + above))
    if len(landmarks) not in _KNOWN_SCHEMES:
        return Face(box)
    eyes = [landmarks[points].mean(axis=0) for points in _EYES]
    five = np.stack([*eyes, landmarks[_NOSE], *(landmarks[corner] for corner in _MOUTH)])
    return Face(box, tuple(map(float, five.ravel())))


def face_of_corners(corners: NDArray[np.float64]) -> Face | None:
    """The face in a box that is given by its corners [n, 2]; None where it has no area or is no place in an image."""
    if not _sensible(corners):
        return None
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    if right <= left or bottom <= top:
        return None
    return Face((float(left), float(top), float(right - left), float(bottom - top)))


def _sensible(points: NDArray[np.float64]) -> bool:
    """Whether points are numbers that can lie in or near an image."""
    return bool((np.abs(points) < _FAR).all())


def overlap(one: Face, other: Face) -> float:
    """Intersection over union of two faces' boxes."""
    width, height = (
        min(one.box[i] + one.box[i + 2], other.box[i] + other.box[i + 2]) - max(one.box[i], other.box[i])
        for i in (0, 1)
    )
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.box[2] * one.box[3] + other.box[2] * other.box[3] - shared)
