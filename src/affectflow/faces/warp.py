"""Warp a part of an image by an affine transform, without aliasing."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray


def warp(pixels: NDArray[np.uint8], transform: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Return a warped square of an image, black outside the image.

    Bilinear interpolation uses four pixels, so that an image to be reduced to less than half is first averaged.

    Args:
        pixels: The image, uint8 [height, width, 3].
        transform: Affine transform [2, 3] from pixels of the image to pixels of the square.
        size: Side of the square in pixels.

    Returns:
        uint8 [size, size, 3].
    """
    transform = transform.copy()
    reduction = 1 / math.sqrt(abs(np.linalg.det(transform[:, :2])))  # pixels of the image per pixel of the square
    left, top, right, bottom = _region(transform, size, pixels.shape, margin=2 + 2 * reduction)
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), np.uint8)
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    transform[:, 2] += transform[:, :2] @ (left, top)
    if reduction >= 2:
        width, height = (max(1, length // int(reduction)) for length in (right - left, bottom - top))
        scale = np.array([(right - left) / width, (bottom - top) / height])
        part = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        transform[:, 2] += transform[:, :2] @ ((scale - 1) / 2)  # coordinates are those of pixel centers
        transform[:, :2] *= scale
    return np.asarray(cv2.warpAffine(part, transform, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _region(
    transform: NDArray[np.float64], size: int, shape: tuple[int, ...], margin: float
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of the part of the image that the square shows, with a margin."""
    corners = np.array([(0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)], float).T
    source = np.linalg.inv(np.vstack([transform, (0, 0, 1)]))[:2] @ corners
    left, top = np.maximum(source.min(axis=1) - margin, 0)
    right, bottom = np.minimum(source.max(axis=1) + margin, shape[1::-1])
    return int(left), int(top), math.ceil(right), math.ceil(bottom)
