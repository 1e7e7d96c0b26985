"""Crop faces so that they are upright and the eyes are at the same position.

The distance of the eyes is 0.3 of the side and they are 0.4 below the top, so that a face fits from the hairline to the
chin of an open mouth.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from affectflow.datasets.face import CENTER, EYE_DISTANCE, EYE_HEIGHT, FACE, HELD, MISSING, Face
from affectflow.datasets.sample import Sample
from affectflow.media.images import square
from affectflow.media.pixels import NoImage

# Where the eyes are in a detector's box, as means of YuNet's own on 102 frontal photographs.
_EYE_LEVEL = 0.385  # of the box's height
_EYES_APART = 0.40  # of the square root of its area
_MIN_EYE_DISTANCE = 0.75  # of the distance to the mouth: if the eyes are closer, the head is turned


def crop(pixels: NDArray[np.uint8], face: Face | None, size: int) -> NDArray[np.uint8]:
    """Return the aligned crop of a face; without a face, the center square.

    Training, evaluation and prediction all use this crop.

    Args:
        pixels: The image, uint8 [height, width, 3].
        face: The face; None for the center square.
        size: Side of the crop in pixels.

    Returns:
        uint8 [size, size, 3], black outside the image.
    """
    return square(pixels, size) if face is None else _aligned(pixels, face, size)


def _aligned(pixels: NDArray[np.uint8], face: Face, size: int) -> NDArray[np.uint8]:
    from affectflow.faces.warp import warp  # imports OpenCV, which is needed only for faces

    (x, y), angle, distance = eyes_of(face)
    scale = EYE_DISTANCE * size / distance
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    # Coordinates are those of pixel centers, so that the middle of a crop with an even side is between two pixels.
    transform = np.array([[cos, sin, size / 2 - 0.5], [-sin, cos, EYE_HEIGHT * size - 0.5]])
    transform[:, 2] -= transform[:, :2] @ (x, y)
    return warp(pixels, transform, size)


def eyes_of(face: Face) -> tuple[tuple[float, float], float, float]:
    """Return the point between the eyes, the angle (radians) of the line through them, and their frontal distance."""
    if face.points:
        left, right, mouth = (
            complex(*face.points[0:2]),
            complex(*face.points[2:4]),
            complex(*face.points[6:8]) / 2 + complex(*face.points[8:10]) / 2,
        )
        middle, line = (left + right) / 2, right - left
        distance = max(abs(line), _MIN_EYE_DISTANCE * abs(mouth - middle))
        if distance > 0:
            return (middle.real, middle.imag), math.atan2(line.imag, line.real), distance
    x, y, width, height = face.box
    return (x + width / 2 - 0.5, y + _EYE_LEVEL * height - 0.5), 0.0, _EYES_APART * math.sqrt(width * height)


class Framing:
    """Choose the face that each sample of a benchmark is cropped around.

    Samples are given in their order. A sample without a face takes the last face of the same video if that is at most
    ``max_gap_s`` seconds old. Otherwise its center is cropped, so that images in which no face is found still count in
    a score.
    """

    def __init__(self, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s
        self._last: tuple[tuple[str, str], float, Face] | None = None

    def place(self, sample: Sample) -> tuple[Sample, str]:
        """Return the sample with the face to crop around, and ``face``, ``held``, ``center`` or ``missing``."""
        if isinstance(sample.image, NoImage):
            return sample, MISSING
        video = sample.subject, sample.video
        if sample.face is not None:
            self._last = video, sample.time, sample.face
            return sample, FACE
        if sample.looked_for and self._last is not None:
            where, since, last = self._last
            if where == video and 0 <= sample.time - since <= self._max_gap_s:
                return replace(sample, face=last), HELD
        return sample, CENTER
