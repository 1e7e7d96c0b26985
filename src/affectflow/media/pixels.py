"""Images that are decoded on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affectflow.media.image_store import user_error_if_broken
from affectflow.media.images import decode_rgb, fits


class Image(Protocol):
    """An image of which pixels can be requested."""

    def rgb(self) -> NDArray[np.uint8]:
        """Return the upright pixels, uint8 [height, width, 3]."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image in its file format.

    Its methods raise :class:`affectflow.core.errors.UserError` for a broken image, which a download without
    ``download.decode`` may contain.
    """

    data: bytes
    file_name: str
    pixels: NDArray[np.uint8] | None = None
    """The pixels, where they have been decoded before."""

    def fits(self, size: int) -> bool:
        """Return whether the file can be stored unchanged; see :func:`affectflow.media.images.fits`."""
        with user_error_if_broken(self.file_name):
            return fits(self.data, size)

    def rgb(self) -> NDArray[np.uint8]:
        """Return the decoded pixels; raise :class:`UserError` where the file is damaged."""
        if self.pixels is not None:
            return self.pixels
        with user_error_if_broken(self.file_name):
            return decode_rgb(self.data).pixels


class NoImage:
    """What stands for the image of a labelled frame that has none; its pixels are black."""

    def rgb(self) -> NDArray[np.uint8]:
        """Return a black pixel."""
        return np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """An image that is already decoded, such as a frame of a video."""

    pixels: NDArray[np.uint8]

    def rgb(self) -> NDArray[np.uint8]:
        """Return the pixels."""
        return self.pixels
