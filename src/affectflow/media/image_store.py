"""Read downloaded images from their store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.media import file_names as names
from affectflow.media.images import ImageError


def read_image(images: Path, file_name: str, sha256: str) -> bytes:
    """Read an image; raises :class:`UserError` unless its bytes have the digest of the download.

    Args:
        images: Folder of the store.
        file_name: Name of the image, without the sub-folder.
        sha256: Digest in hex.
    """
    path = f"{images}/{names.folder(file_name)}/{file_name}"
    try:
        with open(path, "rb", buffering=0) as stream:
            data = stream.readall()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(
            f"{path} is missing or differs from the download; delete it and run with --forcerun download_partition."
        )
    return data


@contextmanager
def user_error_if_broken(file_name: str) -> Iterator[None]:
    """Turn an :class:`ImageError` inside the block into a :class:`UserError` that names the image."""
    try:
        yield
    except ImageError as error:
        raise UserError(
            f"The image {file_name} is broken ({error}); set download.decode to true and raise download.retry_round."
        ) from None
