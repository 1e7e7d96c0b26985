"""A perceptual hash of an aligned face, which stays near when an image is cropped, mirrored or made brighter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from affectflow.datasets.face import Face
from affectflow.faces.crop import crop
from affectflow.media.images import difference_hash

_SIDE = 96
_MARGIN = 12
"""Of the crop's side: what is hashed leaves out most of the background."""


def face_hash(pixels: NDArray[np.uint8], face: Face | None) -> str:
    """Return the 256-bit hashes of an aligned face and of its mirror image, one after the other, in hex.

    Args:
        pixels: The image, uint8 [height, width, 3].
        face: The face; None gives an empty text.
    """
    if face is None:
        return ""
    aligned = crop(pixels, face, _SIDE)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    return "".join(difference_hash(Image.fromarray(one)).hex() for one in (aligned, aligned[:, ::-1]))
