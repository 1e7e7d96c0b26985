"""JPEGs through libjpeg-turbo, strictly: other readers make pixels of whatever is left of a damaged scan."""

from __future__ import annotations

import io

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
"""How libjpeg's warnings about the scan begin; others are of oddities in headers, and cost no pixel."""


def is_jpeg(data: bytes) -> bool:
    """Whether bytes begin as a JPEG does."""
    return data[:3] == b"\xff\xd8\xff"


def decode(data: bytes, smallest: int = 0, room: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """RGB uint8 [height, width, 3]. Raises :class:`ValueError` for a damaged JPEG, or as Pillow does.

    Where ``room`` is given and large enough, the pixels lie there; it saves what new memory costs, for many pictures.

    With ``smallest``, grey uint8 [height, width] at the largest reduction (to an eighth at most) that leaves so many
    pixels a side; every coefficient is read all the same.
    """
    try:
        if smallest:
            grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY", min_height=smallest, min_width=smallest)
            return grey[:, :, 0]
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", buffer=room)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
        return _tolerantly(data, smallest)
    return pixels


def _tolerantly(data: bytes, smallest: int) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(data), formats=("JPEG",))
    if smallest:
        picture.draft("L", (smallest, smallest))
    picture.load()
    return np.asarray(picture.convert("L" if smallest else "RGB"))


def encode(pixels: NDArray[np.uint8], quality: int, chroma: str) -> bytes:
    """Baseline JPEG of RGB pixels; ``chroma`` is ``4:4:4``, ``4:2:2`` or ``4:2:0``."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality, "RGB", chroma.replace(":", ""), fastdct=False
    )
    return data
