"""Downloaded images as they lie in the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.media import file_names as names
from affectflow.media.images import ImageError


def read_image(images: Path, file_name: str, sha256: str) -> bytes:
    """An image's bytes; raises :class:`UserError` unless they are those that were downloaded."""
    path = f"{images}/{names.folder(file_name)}/{file_name}"
    try:
        with open(path, "rb", buffering=0) as stream:
            data = stream.readall()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise UserError(
            f"{path} is missing or not what was downloaded; delete it and run with --forcerun download_partition."
        )
    return data


@contextmanager
def whole_image(file_name: str) -> Iterator[None]:
    """Turns the error of decoding an image, which a download without checks let in, into :class:`UserError`."""
    try:
        yield
    except ImageError as error:
        raise UserError(
            f"The image {file_name} is broken ({error}); set download.decode to true and raise download.retry_round."
        ) from None
