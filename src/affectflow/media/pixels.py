"""Images whose pixels are decoded when they are wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affectflow.media.image_store import whole_image
from affectflow.media.images import decode_rgb, fits


class Image(Protocol):
    """Something that can be turned into pixels when they are wanted."""

    def rgb(self) -> NDArray[np.uint8]:
        """Pixels, uint8 [height, width, 3], upright."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image as it came, decoded on demand.

    What a download without checks let in raises :class:`affectflow.core.errors.UserError`.
    """

    data: bytes
    file_name: str
    pixels: NDArray[np.uint8] | None = None
    """Where it was decoded already."""

    def fits(self, size: int) -> bool:
        """Whether it may be stored as it is, as :func:`affectflow.media.images.fits` says."""
        with whole_image(self.file_name):
            return fits(self.data, size)

    def rgb(self) -> NDArray[np.uint8]:
        if self.pixels is not None:
            return self.pixels
        with whole_image(self.file_name):
            return decode_rgb(self.data).pixels


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Pixels that were decoded already, such as those of a video's frame."""

    pixels: NDArray[np.uint8]

    def rgb(self) -> NDArray[np.uint8]:
        return self.pixels
