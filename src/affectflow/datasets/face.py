"""The position of a face in an image, as a detector finds it or a data set ships it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the modules of data sets are imported for their INFO alone
    import numpy as np
    from numpy.typing import NDArray

FACE, HELD, CENTER = "face", "held", "center"
"""What a crop is placed around: the face, its last position in the video, or the center of the image."""
MISSING = "missing"
"""In place of these, of a labelled frame of which the data set has no image."""
EYE_DISTANCE, EYE_HEIGHT = 0.30, 0.40
"""Of every crop around a face: the distance of the eyes and of the eyes from the top, as shares of the side."""
CENTER_CROP = "center_crop"
"""The value of ``on_missing_face`` that keeps images without a face."""
_EYES = (slice(36, 42), slice(42, 48))
_NOSE, _MOUTH = 30, (48, 54)
_KNOWN_SCHEMES = (66, 68)
_FAR = 1e6  # pixels; a coordinate beyond is a mistake
_FOREHEAD = 0.3  # of the height from brows to chin: what a detector's box adds above the brows


@dataclass(frozen=True, slots=True)
class Face:
    """Positions in pixels of the upright image, x to the right and y down; they may lie outside the image.

    Attributes:
        box: Left, top, width, height.
        points: x, y of five landmarks: left eye, right eye, tip of the nose, left and right corner of the mouth, where
            left is the left of the image in which the face is upright; empty where only the box is known.
        score: The detector's confidence, 0 to 1, or NaN.
        turn: By how many degrees the image must be turned counterclockwise so that the face is upright: 0, 90, 180 or
            270.
    """

    box: tuple[float, float, float, float]
    points: tuple[float, ...] = ()
    score: float = float("nan")
    turn: int = 0


def face_of_landmarks(landmarks: NDArray[np.float64]) -> Face | None:
    """Return the face that landmarks [n, 2] outline; None where they are not numbers, all zero, or all in one place.

    Five landmarks are taken from the schemes of 68 points (iBUG 300-W) and of 66 (the same without the inner corners
    of the mouth); other schemes give only a box.
    """
    import numpy as np

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
    """Return the face whose box has these corners [n, 2]; None where they are not numbers or the box has no area."""
    if not _sensible(corners):
        return None
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    if right <= left or bottom <= top:
        return None
    return Face((float(left), float(top), float(right - left), float(bottom - top)))


def _sensible(points: NDArray[np.float64]) -> bool:
    """Return whether points are numbers that can be in or near an image."""
    import numpy as np

    return bool((np.abs(points) < _FAR).all())


def overlap(one: Face, other: Face) -> float:
    """Return the intersection over union of two faces' boxes.

    Args:
        one: A face, whose box has an area.
        other: Another face of the same image.
    """
    width, height = (
        min(one.box[i] + one.box[i + 2], other.box[i] + other.box[i + 2]) - max(one.box[i], other.box[i])
        for i in (0, 1)
    )
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one.box[2] * one.box[3] + other.box[2] * other.box[3] - shared)
