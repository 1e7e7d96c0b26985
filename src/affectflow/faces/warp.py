"""Affine images of a part of an image, without the moiré of a plain interpolation."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray


def warp(pixels: NDArray[np.uint8], there: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """A square, uint8 [size, size, 3], of what ``there`` maps into it; black where it lies outside the image.

    ``there`` is [2, 3], from the image's pixels to the square's. Interpolation looks at four pixels, so what is to
    become less than half as large is averaged down first.
    """
    there = there.copy()
    grain = 1 / math.sqrt(abs(np.linalg.det(there[:, :2])))  # the image's pixels in one of the square's
    left, top, right, bottom = _region(there, size, pixels.shape, margin=2 + 2 * grain)
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), np.uint8)
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    there[:, 2] += there[:, :2] @ (left, top)
    if grain >= 2:
        width, height = (max(1, length // int(grain)) for length in (right - left, bottom - top))
        reduced = np.array([(right - left) / width, (bottom - top) / height])
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        there[:, 2] += there[:, :2] @ ((reduced - 1) / 2)  # pixels are counted at their centers
        there[:, :2] *= reduced
    return np.asarray(cv2.warpAffine(part, there, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _region(there: NDArray[np.float64], size: int, shape: tuple[int, ...], margin: float) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the image that the square shows, and a margin."""
    corners = np.array([(0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)], float).T
    back = np.linalg.inv(np.vstack([there, (0, 0, 1)]))[:2] @ corners
    left, top = np.maximum(back.min(axis=1) - margin, 0)
    right, bottom = np.minimum(back.max(axis=1) + margin, shape[1::-1])
    return int(left), int(top), math.ceil(right), math.ceil(bottom)
