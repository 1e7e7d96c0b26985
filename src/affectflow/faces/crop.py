"""The canonical crop: upright, the eyes always in the same place.

With the eyes 0.3 of the side apart and 0.4 below the top, a face from the hairline to the chin of an open mouth fits.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from affectflow.datasets.face import CENTER, FACE, HELD, Face
from affectflow.datasets.sample import Sample
from affectflow.media.images import square

EYE_DISTANCE = 0.30
EYE_HEIGHT = 0.40
# Where the eyes are in a detector's box, as means of YuNet's own on 102 frontal photographs.
_EYE_LEVEL = 0.385  # of the box's height
_EYES_APART = 0.40  # of the square root of its area
_TURNED = 0.75  # of the distance to the mouth: eyes that are nearer to each other belong to a head that is turned away


def crop(pixels: NDArray[np.uint8], face: Face | None, size: int) -> NDArray[np.uint8]:
    """An image's face, uint8 [size, size, 3]; without one, its center square.

    What lies outside the image is black. Training, evaluation and prediction all crop here.
    """
    return square(pixels, size) if face is None else _aligned(pixels, face, size)


def _aligned(pixels: NDArray[np.uint8], face: Face, size: int) -> NDArray[np.uint8]:
    from affectflow.faces.warp import warp  # imports OpenCV, which nothing needs where no face is known

    (x, y), angle, distance = _eyes(face)
    scale = EYE_DISTANCE * size / distance
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    # Pixels are counted at their centers, and the crop's middle lies between two where its side is even.
    there = np.array([[cos, sin, size / 2 - 0.5], [-sin, cos, EYE_HEIGHT * size - 0.5]])
    there[:, 2] -= there[:, :2] @ (x, y)
    return warp(pixels, there, size)


def _eyes(face: Face) -> tuple[tuple[float, float], float, float]:
    """The point between the eyes, the angle of the line through them, and their distance in a frontal view."""
    if face.points:
        left, right, mouth = (
            complex(*face.points[0:2]),
            complex(*face.points[2:4]),
            complex(*face.points[6:8]) / 2 + complex(*face.points[8:10]) / 2,
        )
        middle, line = (left + right) / 2, right - left
        distance = max(abs(line), _TURNED * abs(mouth - middle))
        if distance > 0:
            return (middle.real, middle.imag), math.atan2(line.imag, line.real), distance
    x, y, width, height = face.box
    return (x + width / 2 - 0.5, y + _EYE_LEVEL * height - 0.5), 0.0, _EYES_APART * math.sqrt(width * height)


class Framing:
    """Which face the samples of a benchmark are cropped around, in order: their own; or the last one of the same video,
    where that is at most ``max_gap_s`` seconds old; else none, which makes it the center."""

    def __init__(self, max_gap_s: float) -> None:
        self._max_gap_s = max_gap_s
        self._last: tuple[tuple[str, str], float, Face] | None = None

    def place(self, sample: Sample) -> tuple[Sample, str]:
        """The sample with that face, and ``face``, ``held`` or ``center``: a detector that finds little is not to be
        flattered."""
        video = sample.subject, sample.video
        if sample.face is not None:
            self._last = video, sample.time, sample.face
            return sample, FACE
        if sample.looked_for and self._last is not None:
            where, since, last = self._last
            if where == video and 0 <= sample.time - since <= self._max_gap_s:
                return replace(sample, face=last), HELD
        return sample, CENTER
