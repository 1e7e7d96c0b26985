"""Measure how hard a face is to read: its size, how far it is turned, and the light and sharpness of its crop."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from affectflow.datasets.conditions import Conditions
from affectflow.datasets.face import EYE_DISTANCE, Face
from affectflow.faces.crop import eyes_of

_NOSE = 0.65
"""How far the tip of the nose lies before the eyes, of the distance between them: MediaPipe's canonical face model."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_UNKNOWN = float("nan")


def conditions_of(face: Face | None, crop: NDArray[np.uint8] | None = None) -> Conditions:
    """Measure the conditions of a face.

    Args:
        face: The face; None where the center of the image was cropped.
        crop: The crop, uint8 [size, size, 3]; None where the image is not at hand.
    """
    face_size = yaw = brightness = sharpness = _UNKNOWN
    if face is not None:
        face_size, yaw = eyes_of(face)[2] / EYE_DISTANCE, yaw_of(face)
    if crop is not None:
        luma = crop.astype(np.float32) @ _LUMA
        middle = luma[1:-1, 1:-1]
        laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * middle
        brightness, sharpness = float(luma.mean()), float(laplacian.var())
    return Conditions(face_size, yaw, brightness, sharpness)


def yaw_of(face: Face) -> float:
    """Return by how many degrees a head is turned to the right of the upright image; NaN without landmarks.

    The tip of the nose moves with the sine of the angle, the eyes come closer with its cosine.
    """
    if not face.points:
        return _UNKNOWN
    left, right, nose = (complex(*face.points[i : i + 2]) for i in (0, 2, 4))
    line = right - left
    if not line:
        return _UNKNOWN
    shift = ((nose - (left + right) / 2) / line).real  # along the eyes, in units of their distance
    return math.degrees(math.atan(shift / _NOSE))
