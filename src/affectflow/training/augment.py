"""Random changes of training pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from affectflow import facs

DRAWS = 7
"""Random numbers from 0 to 1 that the changes of one picture are made of."""

_MIRRORED = ((51, 52), (55, 56))  # left and right trade places in a mirrored picture
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601

cv2.setNumThreads(1)  # batches are made side by side already


@dataclass(frozen=True, slots=True)
class Augmentation:
    """See ``training.augmentation`` in ``config/README.md``."""

    flip: bool
    crop: float
    brightness: float
    contrast: float
    saturation: float


def augment(
    pixels: NDArray[np.uint8], draws: Sequence[float], augmentation: Augmentation, out: NDArray[np.uint8]
) -> bool:
    """Crop a square picture, mirror it, scale it to the size of ``out`` and change brightness, contrast, saturation.

    ``pixels`` and ``out`` are uint8 [side, side, 3]; the same ``draws`` [7] make the same changes. Returns whether the
    picture was mirrored.
    """
    length = len(pixels)
    side = max(1, round(length * (1 - augmentation.crop * draws[0])))
    top, left = (min(length - side, int((length - side + 1) * draw)) for draw in draws[1:3])
    part = pixels[top : top + side, left : left + side]
    mirrored = augmentation.flip and draws[3] < 0.5
    if mirrored:
        part = cv2.flip(part, 1)
    cv2.resize(part, out.shape[:2], dst=out, interpolation=cv2.INTER_LINEAR)
    contrast, shift, saturation = (
        limit * (2 * draw - 1)
        for limit, draw in zip(
            (augmentation.contrast, augmentation.brightness, augmentation.saturation), draws[4:], strict=True
        )
    )
    if contrast or shift or saturation:
        # All three are linear, so they are one matrix. Contrast turns about the picture's mean.
        mean = sum(cv2.mean(out)[:3]) / 3
        matrix = np.empty((3, 4))
        matrix[:, :3] = (1 + contrast) * ((1 + saturation) * np.eye(3) - saturation * _LUMA)
        matrix[:, 3] = 255 * shift - contrast * mean
        cv2.transform(out, matrix, dst=out)
    return mirrored


def mirrored(units: NDArray[np.float32]) -> NDArray[np.float32]:
    """The labels [..., 60] of a mirrored picture."""
    return units[..., _columns()]


def _columns() -> list[int]:
    columns = list(range(facs.COUNT))
    for left, right in _MIRRORED:
        columns[left - 1], columns[right - 1] = right - 1, left - 1
    return columns
