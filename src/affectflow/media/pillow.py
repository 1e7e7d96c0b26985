"""Open images with Pillow without its limit of pixels, which :mod:`affectflow.media.images` checks itself."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from PIL import Image

from affectflow.media.process_settings import ProcessSetting

_no_limit = ProcessSetting(
    get=lambda: Image.MAX_IMAGE_PIXELS, set_to=lambda value: setattr(Image, "MAX_IMAGE_PIXELS", value), value=None
)


def open_image(source: Path | IO[bytes], formats: tuple[str, ...]) -> Image.Image:
    """Open an image of any size in one of Pillow's formats, without decoding it; raises as ``PIL.Image.open``.

    Args:
        source: The image's file, or a stream of its bytes.
        formats: Names of the formats that are tried.
    """
    with _no_limit.changed():
        return Image.open(source, formats=formats)
