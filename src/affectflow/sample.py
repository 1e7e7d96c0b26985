"""The one record that every data set yields and everything downstream consumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.faces.face import Face
from affectflow.images import decode_rgb, fits
from affectflow.stored import whole_image

PERCENT = "{} percent"
"""The name under which ``Sample.other`` holds how many percent of several coders saw a label."""


class Image(Protocol):
    """Something that can be turned into pixels when they are wanted."""

    def rgb(self) -> NDArray[np.uint8]:
        """Pixels, uint8 [height, width, 3], upright."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image as it came, decoded on demand.

    What a download without checks let in raises :class:`affectflow.errors.UserError`.
    """

    data: bytes
    file_name: str
    pixels: NDArray[np.uint8] | None = None
    """Where it was decoded already."""

    def fits(self, size: int) -> bool:
        """Whether it may be stored as it is, as :func:`affectflow.images.fits` says."""
        with whole_image(self.file_name):
            return fits(self.data, size)

    def rgb(self) -> NDArray[np.uint8]:
        if self.pixels is not None:
            return self.pixels
        with whole_image(self.file_name):
            return decode_rgb(self.data).pixels


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels that were decoded already, such as those of a film's frame."""

    pixels: NDArray[np.uint8]

    def rgb(self) -> NDArray[np.uint8]:
        return self.pixels


def unknown_units() -> NDArray[np.int8]:
    """Occurrence of 60 AUs, none of them known."""
    return np.full(facs.COUNT, facs.UNKNOWN, np.int8)


def unknown_intensities() -> NDArray[np.float32]:
    """Intensity of 60 AUs, none of them known."""
    return np.full(facs.COUNT, np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled picture.

    ``units`` is int8 [60]: 1 present, 0 absent, -1 unknown. ``intensities`` is float32 [60], 0 to 5 or NaN.
    ``valence`` and ``arousal`` lie in [-1, 1] or are NaN. ``group`` is what must stay on one side of a split: a
    person where known, else a video, else a set of duplicate pictures. ``frame`` counts from 1; ``time`` is in
    seconds; both are absent (0 and NaN) for stills. ``other`` holds occurrence labels outside FACS, such as AM-FED's
    ``Smile``, and as ``AU2 percent`` how many percent of several coders saw a label. ``face`` is where the face is;
    it is None where there is none and, unless ``looked_for``, where nobody looked.
    """

    image: Image
    dataset: str
    source: str
    group: str
    subject: str = ""
    video: str = ""
    frame: int = 0
    time: float = float("nan")
    units: NDArray[np.int8] = field(default_factory=unknown_units)
    intensities: NDArray[np.float32] = field(default_factory=unknown_intensities)
    valence: float = float("nan")
    arousal: float = float("nan")
    other: Mapping[str, int] = field(default_factory=dict)
    face: Face | None = None
    looked_for: bool = False
