"""Encoded images: what they are, whether they are whole, and how they become upright RGB squares.

Identified by content, never by name or header. JPEGs are decoded strictly (:mod:`affectflow.media.jpeg`), all else by
Pillow; orientation follows EXIF tag 0x0112.
"""

from __future__ import annotations

import io
import math
import threading
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from affectflow.media import jpeg

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
MAX_PIXELS = 100_000_000
Image.MAX_IMAGE_PIXELS = None  # the limit is checked here, before anything is decoded
_EXIF_ORIENTATION = 0x0112
_FIRST_SIDEWAYS = 5  # of the orientations
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image of each EXIF orientation upright."""
_LARGE = 8_000_000  # pixels; one such image at a time is decoded
_ENOUGH = 1_000_000  # pixels for everything but the check
_one_large_image = threading.Lock()
_HASHED = 64  # pixels a side that a perceptual hash is made from, at least


class ImageError(ValueError):
    """Bytes that are no usable image. ``reason`` is one of the download's outcomes."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Upright pixels, uint8 [height, width, 3], and what the encoded image was."""

    pixels: NDArray[np.uint8]
    format: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What an upright image is, in pixels, and its perceptual hash."""

    format: str
    width: int
    height: int
    dhash: bytes


def examine(data: bytes, max_pixels: int = MAX_PIXELS) -> Seen:
    """Decode the whole of an image once, as :func:`decode_rgb` does, for the sake of what it tells.

    Of a JPEG every coefficient is read, but no more pixels are made of them than the hash needs.
    """
    image = _open(data, max_pixels)
    with _one_large_image if image.width * image.height > _LARGE else nullcontext():
        return _examine(image, data)


def _examine(image: Image.Image, data: bytes) -> Seen:
    width, height = image.size
    name = str(image.format)
    try:
        orientation = _orientation(image)
        if jpeg.is_jpeg(data):
            upright = _upright(Image.fromarray(jpeg.decode(data, smallest=_HASHED)), orientation)
        else:
            image.load()
            upright = ImageOps.exif_transpose(_smaller(image))
        if orientation >= _FIRST_SIDEWAYS:
            width, height = height, width
        dhash = difference_hash(upright if upright.mode == "L" else _to_rgb(upright))
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many kinds on hostile bytes
        raise ImageError("corrupt_image", f"{name} that cannot be decoded: {error}") from None
    return Seen(name, width, height, dhash)


def fits(data: bytes, size: int) -> bool:
    """Whether an image is an upright baseline RGB JPEG of ``size`` x ``size`` pixels, which may be stored as it is.

    It is then read to its end; raises :class:`ImageError` where it is damaged.
    """
    if not jpeg.is_jpeg(data) or jpeg.plain_size(data) != (size, size):
        return False
    try:
        seen = jpeg.decode(data, smallest=1).shape
    except Exception as error:  # as below
        raise ImageError("corrupt_image", f"JPEG that cannot be decoded: {error}") from None
    return seen == (-(-size // 8), -(-size // 8))  # what the decoder found, at an eighth


def decode_rgb(data: bytes, max_pixels: int = MAX_PIXELS) -> Decoded:
    """Decode the whole of an image (of an animation, the first frame).

    Transparency is laid over white. Raises :class:`ImageError` with reason ``not_an_image``,
    ``too_many_pixels`` (before anything is decoded) or ``corrupt_image``.
    """
    image = _open(data, max_pixels)
    name = str(image.format)
    try:
        if jpeg.is_jpeg(data) and image.mode in ("RGB", "L"):
            pixels = jpeg.decode(data)
            if (orientation := _orientation(image)) in _TURNS:
                pixels = np.asarray(_upright(Image.fromarray(pixels), orientation))
        else:
            if jpeg.is_jpeg(data):
                jpeg.decode(data, smallest=1)  # four colors are Pillow's to convert, but not to check
            image.load()
            pixels = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except Exception as error:  # as above: any failure to decode is the image's fault
        raise ImageError("corrupt_image", f"{name} that cannot be decoded: {error}") from None
    return Decoded(pixels, name)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise ImageError("not_an_image", "the body is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # Pillow raises many kinds on hostile bytes
        raise ImageError("not_an_image", f"no image in a known format ({type(error).__name__})") from None
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError("too_many_pixels", f"{width} x {height} pixels, more than {max_pixels}")
    return image


def _smaller(image: Image.Image) -> Image.Image:
    """About a megapixel of a larger image, before it is copied in every way."""
    share = math.isqrt(image.width * image.height // _ENOUGH)
    if share < 2:
        return image
    if image.mode in ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr"):
        smaller = image.reduce(share)
        smaller.info = image.info
        return smaller
    size = max(1, image.width // share), max(1, image.height // share)
    return image.resize(size, Image.Resampling.NEAREST)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except (ValueError, TypeError, ZeroDivisionError):
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow videos 16-bit grey instead of scaling it.
        grey = np.asarray(image, np.int64).clip(0, 65535)
        return Image.fromarray((grey >> 8).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def square(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The center square, scaled to ``size`` x ``size``. Training, evaluation and prediction all crop here."""
    height, width = pixels.shape[:2]
    if height == width == size:
        return pixels
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0))


def difference_hash(image: Image.Image) -> bytes:
    """A 256-bit perceptual hash: is each cell of a 16 x 17 grey thumbnail brighter than its left neighbour?

    After the gradient hash described by N. Krawetz, "Kind of like that" (2013).
    """
    thumbnail = image.convert("L").resize((17, 16), Image.Resampling.BOX)
    grey = np.asarray(thumbnail, np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes()
