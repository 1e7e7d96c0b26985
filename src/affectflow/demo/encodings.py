"""Drawn pixels in all the encodings that the real web serves."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_ROTATED_EXIF = 6  # "turn 90 degrees clockwise to view"


def encode(pixels: NDArray[np.uint8], kind: str) -> bytes:
    """``pixels``, uint8 [height, width, 3], as one of the kinds that :mod:`affectflow.demo.web_plan` names."""
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    match kind:
        case "jpeg":
            picture.save(buffer, "JPEG", quality=92, subsampling=0)
        case "png":
            picture.save(buffer, "PNG")
        case "gif":
            picture.convert("P", palette=Image.Palette.ADAPTIVE).save(buffer, "GIF")
        case "animated-gif":
            other = Image.new("RGB", picture.size, "black")
            picture.save(buffer, "GIF", save_all=True, append_images=[other], duration=100)
        case "webp":
            picture.save(buffer, "WEBP", quality=92)
        case "bmp":
            picture.save(buffer, "BMP")
        case "cmyk-jpeg":
            picture.convert("CMYK").save(buffer, "JPEG", quality=92)
        case "rotated-jpeg":
            exif = Image.Exif()
            exif[0x0112] = _ROTATED_EXIF
            turned = picture.transpose(Image.Transpose.ROTATE_90)
            turned.save(buffer, "JPEG", quality=92, subsampling=0, exif=exif.tobytes())
        case _:
            raise ValueError(kind)
    return buffer.getvalue()
