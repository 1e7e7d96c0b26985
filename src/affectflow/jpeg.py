"""JPEGs through libjpeg-turbo, strictly: other readers make pixels of whatever is left of a damaged scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
"""How libjpeg's warnings about the scan begin; others are of oddities in headers, and cost no pixel."""


def is_jpeg(data: bytes) -> bool:
    """Whether bytes begin as a JPEG does."""
    return data[:3] == b"\xff\xd8\xff"


def decode(data: bytes, smallest: int = 0) -> NDArray[np.uint8]:
    """RGB uint8 [height, width, 3]. Raises :class:`ValueError` for a damaged JPEG.

    With ``smallest``, grey uint8 [height, width] at the largest reduction (to an eighth at most) that leaves so many
    pixels a side; every coefficient is read all the same.
    """
    if smallest:
        return _decode(data, colorspace="GRAY", min_height=smallest, min_width=smallest)[:, :, 0]
    return _decode(data, colorspace="RGB")


def _decode(data: bytes, **how: Any) -> NDArray[np.uint8]:
    try:
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, **how)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
        pixels = simplejpeg.decode_jpeg(data, **how, strict=False)
    return pixels


def encode(pixels: NDArray[np.uint8], quality: int, chroma: str) -> bytes:
    """Baseline JPEG of RGB pixels; ``chroma`` is ``4:4:4``, ``4:2:2`` or ``4:2:0``."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality, "RGB", chroma.replace(":", ""), fastdct=False
    )
    return data
