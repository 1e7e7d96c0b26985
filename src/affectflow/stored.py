"""Downloaded images as they lie in the store."""

from __future__ import annotations

import hashlib
from pathlib import Path

from affectflow import names
from affectflow.errors import UserError
from affectflow.images import Decoded, ImageError, decode_rgb


def read_image(images: Path, file_name: str, sha256: str) -> bytes:
    """An image's bytes; raises :class:`UserError` unless they are those that were downloaded."""
    path = images / names.relative_path(file_name)
    try:
        data = path.read_bytes()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(
            f"{path} is missing or not what was downloaded; delete it and run with --forcerun download_partition."
        )
    return data


def decode_image(data: bytes, file_name: str) -> Decoded:
    """As :func:`affectflow.images.decode_rgb`; raises :class:`UserError` for what a download without checks let in."""
    try:
        return decode_rgb(data)
    except ImageError as error:
        raise UserError(
            f"The image {file_name} is broken ({error}); set download.decode to true and raise download.round."
        ) from None
