"""Decode JPEGs with libjpeg-turbo so that damage is an error; other readers make pixels of what is left of a scan."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from affectflow.media.pillow import open_image

_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
"""Beginnings of libjpeg's warnings about the scan. Its other warnings are about headers and do not affect pixels."""

_START_OF_SCAN, _BASELINE, _APP0, _APP1, _APP14, _FILL = 0xDA, 0xC0, 0xE0, 0xE1, 0xEE, 0xFF
_WITHOUT_PARAMETERS = frozenset((0x01, *range(0xD0, 0xD9)))
_OTHER_FRAMES = frozenset(range(0xC1, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the three markers left out begin tables
_YCBCR = b"\x01"  # Adobe's transform
_UPRIGHT = (b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01")
"""The EXIF tag of the orientation with the value for upright, in both byte orders."""


def is_jpeg(data: bytes) -> bool:
    """Return whether bytes begin like a JPEG."""
    return data[:3] == b"\xff\xd8\xff"


def most_scans(data: bytes) -> int:
    """Return how many scans a JPEG has at most: their markers cannot occur in the data of a scan."""
    return data.count(b"\xff\xda")


def decode(data: bytes, smallest: int = 0, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Decode a JPEG to its end.

    Args:
        data: The file.
        smallest: Where not 0, decode to grey at the largest reduction (at most to an eighth) that keeps this many
            pixels a side. Every coefficient is read nevertheless.
        out: Array of the result's shape to decode into, which saves an allocation.

    Returns:
        RGB, uint8 [height, width, 3], or with ``smallest`` grey, uint8 [height, width].

    Raises:
        ValueError: For a damaged JPEG. Pillow's errors may be raised too.
    """
    try:
        return _strictly(data, smallest, out)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
    # The decoder stops at the first warning, so that one about the header would hide damage of the scan.
    try:
        return _strictly(_repaired(data), smallest, out)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
    pixels = _tolerantly(data, smallest)
    if out is not None:
        out[...] = pixels
    return pixels


def _strictly(data: bytes, smallest: int, out: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if smallest:
        grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY", min_height=smallest, min_width=smallest)
        return grey[:, :, 0]
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", buffer=out)
    return pixels


def _tolerantly(data: bytes, smallest: int) -> NDArray[np.uint8]:
    image = open_image(io.BytesIO(data), ("JPEG",))
    if smallest:
        image.draft("L", (smallest, smallest))
    image.load()
    return np.asarray(image.convert("L" if smallest else "RGB"))


def _repaired(data: bytes) -> bytes:
    """Return the JPEG with a known JFIF revision and, in a baseline image, the scan header of the standard."""
    repaired, baseline = bytearray(data), False
    for marker, start, end in _segments(data):
        baseline |= marker == _BASELINE
        if marker == _APP0 and data[start : start + 5] == b"JFIF\0":
            repaired[start + 5 : start + 7] = b"\x01\x01"
        elif marker == _START_OF_SCAN and baseline:
            repaired[end - 3 : end] = b"\x00\x3f\x00"
    return bytes(repaired)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the parameters of each segment up to the header of the scan.

    See ITU-T T.81, annex B: fill bytes may precede a marker, and some markers have no parameters.
    """
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == _FILL:
            at += 1
        elif marker in _WITHOUT_PARAMETERS:
            at += 2
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            yield marker, at + 4, end
            if marker == _START_OF_SCAN:
                return
            at = end


def baseline_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an upright 8-bit baseline JPEG with three components for RGB; None for other JPEGs."""
    size = None
    for marker, start, end in _segments(data):
        segment = data[start:end]
        if marker == _START_OF_SCAN:
            return size
        if marker == _BASELINE and size is None and len(segment) >= 6 and segment[0] == 8 and segment[5] == 3:
            size = int.from_bytes(segment[3:5]), int.from_bytes(segment[1:3])
        elif marker == _BASELINE or marker in _OTHER_FRAMES or _turns_or_recolours(marker, segment):
            return None
    return None


def _turns_or_recolours(marker: int, segment: bytes) -> bool:
    """Return whether a segment may say that the image is not upright (EXIF, XMP) or not in YCbCr (Adobe)."""
    if marker == _APP14 and segment.startswith(b"Adobe"):
        return segment[11:12] != _YCBCR
    if marker == _APP1 and segment.startswith(b"Exif"):
        return sum(segment.count(tag[:2]) for tag in _UPRIGHT) > sum(map(segment.count, _UPRIGHT))
    return marker == _APP1 and b"Orientation" in segment


def encode(pixels: NDArray[np.uint8], quality: int, chroma: str) -> bytes:
    """Encode RGB pixels, uint8 [height, width, 3], as a baseline JPEG.

    Args:
        pixels: The image.
        quality: libjpeg's quality, 0 to 100.
        chroma: Subsampling: ``4:4:4``, ``4:2:2`` or ``4:2:0``.
    """
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality, "RGB", chroma.replace(":", ""), fastdct=False
    )
    return data
