"""Open images with Pillow without its limit of pixels, which :mod:`affectflow.media.images` checks itself."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from PIL import Image

from affectflow.media.process_settings import ProcessSetting

HEIF = "HEIF"
TILED = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
"""Brands of images (ISO/IEC 23008-12, section 10, and AVIF 1.1, section 6) of which FFmpeg would read the first tile as
a video."""

_no_limit = ProcessSetting(
    get=lambda: Image.MAX_IMAGE_PIXELS, set_to=lambda value: setattr(Image, "MAX_IMAGE_PIXELS", value), value=None
)


def open_image(source: Path | IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    """Open an image of any size in one of Pillow's formats, without decoding it; raises as ``PIL.Image.open``.

    Args:
        source: The image's file, or a stream of its bytes.
        formats: Names of the formats that are tried.
    """
    if HEIF in formats:
        if is_tiled(_beginning(source)):
            from pillow_heif import register_heif_opener  # large, and seldom needed

            register_heif_opener()
        else:
            formats = tuple(name for name in formats if name != HEIF)
    with _no_limit.changed():
        return Image.open(source, formats=formats)


def is_tiled(beginning: bytes) -> bool:
    """Return whether the first 12 bytes of a file are those of a HEIF or AVIF image."""
    return beginning[4:8] == b"ftyp" and beginning[8:12] in TILED


def _beginning(source: Path | IO[bytes]) -> bytes:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return stream.read(12)
    beginning = source.read(12)
    source.seek(0)
    return beginning
