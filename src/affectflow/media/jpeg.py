"""JPEGs through libjpeg-turbo, strictly: other readers make pixels of whatever is left of a damaged scan."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
"""How libjpeg's warnings about the scan begin; others are of oddities in headers, and cost no pixel."""

_START_OF_SCAN, _BASELINE, _APP0, _APP1, _APP14, _FILL = 0xDA, 0xC0, 0xE0, 0xE1, 0xEE, 0xFF
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # have no parameters
_OTHER_FRAMES = frozenset(range(0xC1, 0xD0)) - {0xC4, 0xC8, 0xCC}  # these are tables
_YCBCR = b"\x01"  # Adobe's transform
_UPRIGHT = (b"\x12\x01\x03\x00\x01\x00\x00\x00\x01\x00", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01")
"""The EXIF tag of the orientation with the value that means none, in both byte orders."""


def is_jpeg(data: bytes) -> bool:
    """Whether bytes begin as a JPEG does."""
    return data[:3] == b"\xff\xd8\xff"


def decode(data: bytes, smallest: int = 0, room: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """RGB uint8 [height, width, 3]. Raises :class:`ValueError` for a damaged JPEG, or as Pillow does.

    Where ``room`` of the same shape is given, the pixels lie there, which saves what new memory costs.

    With ``smallest``, grey uint8 [height, width] at the largest reduction (to an eighth at most) that leaves so many
    pixels a side; every coefficient is read all the same.
    """
    try:
        return _strictly(data, smallest, room)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
    # libjpeg stops at the first warning, so one about the header would hide what is wrong with the scan.
    try:
        return _strictly(_mended(data), smallest, room)
    except ValueError as error:
        if str(error).startswith(_DAMAGE):
            raise
    pixels = _tolerantly(data, smallest)
    if room is not None:
        room[...] = pixels
    return pixels


def _strictly(data: bytes, smallest: int, room: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    if smallest:
        grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "GRAY", min_height=smallest, min_width=smallest)
        return grey[:, :, 0]
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", buffer=room)
    return pixels


def _tolerantly(data: bytes, smallest: int) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    if smallest:
        image.draft("L", (smallest, smallest))
    image.load()
    return np.asarray(image.convert("L" if smallest else "RGB"))


def _mended(data: bytes) -> bytes:
    """With a JFIF revision that is known and, in a baseline image, a scan header as the standard has it."""
    mended, baseline = bytearray(data), False
    for marker, start, end in _segments(data):
        baseline |= marker == _BASELINE
        if marker == _APP0 and data[start : start + 5] == b"JFIF\0":
            mended[start + 5 : start + 7] = b"\x01\x01"
        elif marker == _START_OF_SCAN and baseline:
            mended[end - 3 : end] = b"\x00\x3f\x00"
    return bytes(mended)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, and where its parameters begin and end, of what stands before the scan, and of the scan's header.

    After ITU-T T.81, annex B: fill bytes may precede a marker, and some markers have no parameters.
    """
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == _FILL:
            at += 1
        elif marker in _ALONE:
            at += 2
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            yield marker, at + 4, end
            if marker == _START_OF_SCAN:
                return
            at = end


def plain_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of an upright 8-bit baseline JPEG with three components that mean RGB; None for any other."""
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
    """Whether a segment may say, in EXIF or XMP, that the image is not upright, or that it is no YCbCr."""
    if marker == _APP14 and segment.startswith(b"Adobe"):
        return segment[11:12] != _YCBCR
    if marker == _APP1 and segment.startswith(b"Exif"):
        return sum(segment.count(tag[:2]) for tag in _UPRIGHT) > sum(map(segment.count, _UPRIGHT))
    return marker == _APP1 and b"Orientation" in segment


def encode(pixels: NDArray[np.uint8], quality: int, chroma: str) -> bytes:
    """Baseline JPEG of RGB pixels; ``chroma`` is ``4:4:4``, ``4:2:2`` or ``4:2:0``."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality, "RGB", chroma.replace(":", ""), fastdct=False
    )
    return data
