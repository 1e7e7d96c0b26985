"""Encode drawn images in the formats that occur on the web."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ROTATED_EXIF = 6  # "turn 90 degrees clockwise to view"


def encode(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """Encode an image.

    Args:
        pixels: uint8 [height, width, 3].
        kind: A kind of :mod:`affectflow.demo.web_plan`, such as ``rotated-jpeg``.
    """
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    match kind:
        case "jpeg":
            image.save(buffer, "JPEG", quality=92, subsampling=0)
        case "png":
            image.save(buffer, "PNG")
        case "gif":
            image.convert("P", palette=Image.Palette.ADAPTIVE).save(buffer, "GIF")
        case "animated-gif":
            other = Image.new("RGB", image.size, "black")
            image.save(buffer, "GIF", save_all=True, append_images=[other], duration=100)
        case "webp":
            image.save(buffer, "WEBP", quality=92)
        case "bmp":
            image.save(buffer, "BMP")
        case "cmyk-jpeg":
            image.convert("CMYK").save(buffer, "JPEG", quality=92)
        case "rotated-jpeg":
            exif = Image.Exif()
            exif[0x0112] = _ROTATED_EXIF
            turned = image.transpose(Image.Transpose.ROTATE_90)
            turned.save(buffer, "JPEG", quality=92, subsampling=0, exif=exif.tobytes())
        case _:
            raise ValueError(kind)
    return buffer.getvalue()
