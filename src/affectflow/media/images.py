"""Identify, check and decode encoded images.

Formats are identified by content, never by file name or HTTP header. JPEGs are decoded strictly
(:mod:`affectflow.media.jpeg`), other formats by Pillow, HEIF (HEIC) with its plug-in pillow-heif. Images are turned
upright as EXIF tag 0x0112 says.
"""

from __future__ import annotations

import io
import math
import threading
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from affectflow.media import jpeg
from affectflow.media.pillow import HEIF, open_image

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", HEIF)
MAX_SCANS = 100
"""Scans of the most complex JPEG that is decoded: progressive ones have about ten, and each costs a pass over all
pixels, so that a small file could take half an hour."""
_MAX_SCANNED = 2_000_000_000  # pixels of all scans together: 20 of the largest image, about four seconds
MAX_PIXELS = 100_000_000
"""Width times height of the largest image that is decoded."""
_MAX_BYTE = 255
_EXIF_ORIENTATION = 0x0112
_FIRST_TRANSPOSED = 5  # orientations from 5 on exchange width and height
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that makes an image of each EXIF orientation upright."""
_LARGE = 8_000_000  # pixels; of such images one at a time is decoded, to bound memory
_REDUCED = 1_000_000  # pixels that suffice for a perceptual hash
_one_large_image = threading.Lock()
_MIN_HASHED_SIDE = 64  # pixels of an image that a perceptual hash is computed from


class ImageError(ValueError):
    """Bytes that are not a usable image. ``reason`` is one of the outcomes of a download."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class DecodedImage:
    """Upright pixels, uint8 [height, width, 3], and the format of the encoded image."""

    pixels: NDArray[np.uint8]
    format: str


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Format, size in pixels when upright, and perceptual hash of an image."""

    format: str
    width: int
    height: int
    dhash: bytes


def examine(data: bytes, max_pixels: int = MAX_PIXELS) -> ImageInfo:
    """Decode an image to its end, and return its facts.

    Every coefficient of a JPEG is read, but only the pixels that the hash needs are computed. Raises as
    :func:`decode_rgb`.

    Args:
        data: The encoded image.
        max_pixels: Width times height of the largest image that is decoded.
    """
    image = _open(data, max_pixels)
    with _one_large_image if image.width * image.height > _LARGE else nullcontext():
        return _examine(image, data)


def _examine(image: Image.Image, data: bytes) -> ImageInfo:
    name = str(image.format)
    try:
        if jpeg.is_jpeg(data):
            reduced = Image.fromarray(jpeg.decode(data, smallest=_MIN_HASHED_SIDE))
        else:
            image.load()  # turns a TIFF upright, and resets its orientation
            reduced = _reduced(image)
        orientation = _orientation(image)
        width, height = image.size if orientation < _FIRST_TRANSPOSED else image.size[::-1]
        upright = _upright(reduced, orientation)
        dhash = difference_hash(upright if upright.mode == "L" else _to_rgb(upright))
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many kinds on hostile bytes
        raise ImageError("corrupt_image", f"{name} that cannot be decoded: {error}") from None
    return ImageInfo(name, width, height, dhash)


def fits(data: bytes, size: int) -> bool:
    """Return whether an image is an upright baseline RGB JPEG of ``size`` x ``size`` pixels, to be stored unchanged.

    Such an image is decoded to its end; raises :class:`ImageError` where it is damaged.

    Args:
        data: The encoded image.
        size: Side of the stored images in pixels.
    """
    if not jpeg.is_jpeg(data) or jpeg.baseline_size(data) != (size, size):
        return False
    try:
        shape = jpeg.decode(data, smallest=1).shape
    except Exception as error:  # simplejpeg and Pillow raise many kinds on hostile bytes
        raise ImageError("corrupt_image", f"JPEG that cannot be decoded: {error}") from None
    return shape == (-(-size // 8), -(-size // 8))  # the decoder's own size, reduced to an eighth


def decode_rgb(data: bytes, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Decode an image, or the first frame of an animation, to its end.

    Transparent pixels are composed with white. Raises :class:`ImageError` with the reason ``not_an_image``,
    ``too_many_pixels`` (before anything is decoded) or ``corrupt_image``.

    Args:
        data: The encoded image.
        max_pixels: Width times height of the largest image that is decoded.
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
                jpeg.decode(data, smallest=1)  # Pillow converts CMYK, but does not detect damage
            image.load()
            pixels = np.asarray(_to_rgb(_upright(image, _orientation(image))))
    except Exception as error:  # Pillow raises many kinds on hostile bytes
        raise ImageError("corrupt_image", f"{name} that cannot be decoded: {error}") from None
    return DecodedImage(pixels, name)


def _open(data: bytes, max_pixels: int) -> Image.Image:
    if not data:
        raise ImageError("not_an_image", "the body is empty")
    try:
        image = open_image(io.BytesIO(data), FORMATS)
    except Exception as error:  # Pillow raises many kinds on hostile bytes
        raise ImageError("not_an_image", f"not an image in a known format ({type(error).__name__})") from None
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError("too_many_pixels", f"{width} x {height} pixels, more than {max_pixels}")
    if jpeg.is_jpeg(data) and (scans := jpeg.most_scans(data)) > MAX_SCANS:
        raise ImageError("too_many_scans", f"a JPEG with {scans} scans, more than {MAX_SCANS}")
    if jpeg.is_jpeg(data) and scans * width * height > _MAX_SCANNED:
        raise ImageError("too_many_scans", f"a JPEG with {scans} scans of {width} x {height} pixels")
    return image


def _reduced(image: Image.Image) -> Image.Image:
    """Reduce a large image to about a megapixel, before conversions copy it."""
    factor = math.isqrt(image.width * image.height // _REDUCED)
    if factor < 2:
        return image
    if image.mode in ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr"):
        reduced = image.reduce(factor)
        reduced.info = image.info
        return reduced
    size = max(1, image.width // factor), max(1, image.height // factor)
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
        # Pillow would clip 16-bit grey instead of scaling it.
        grey = np.asarray(image, np.int64).clip(0, 65535)
        bits = 8 if grey.size and grey.max() > _MAX_BYTE else 0  # else 8-bit values in a wider type
        return Image.fromarray((grey >> bits).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        values = np.nan_to_num(np.asarray(image, np.float64)).clip(0, 65535)
        greatest = values.max(initial=0.0)
        factor = _MAX_BYTE if greatest <= 1 else 1 if greatest <= _MAX_BYTE else 1 / 257
        return Image.fromarray(np.round(values * factor).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def square(pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the center square of an image, uint8 [size, size, 3].

    Training, evaluation and prediction all use this crop.

    Args:
        pixels: The image, uint8 [height, width, 3].
        size: Side of the crop in pixels.
    """
    height, width = pixels.shape[:2]
    if height == width == size:
        return pixels
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = Image.fromarray(pixels[top : top + side, left : left + side])
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0))


def difference_hash(image: Image.Image) -> bytes:
    """Return a 256-bit perceptual hash: whether each cell of a thumbnail is brighter than its left neighbour.

    The gradient hash of N. Krawetz, "Kind of like that" (2013), on a thumbnail of 16 x 17 cells.
    """
    thumbnail = image.convert("L").resize((17, 16), Image.Resampling.BOX)
    grey = np.asarray(thumbnail, np.int16)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes()
