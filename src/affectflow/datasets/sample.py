"""The one record that every data set yields and everything downstream consumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.datasets.face import Face
from affectflow.media.pixels import Image

PERCENT = "{} percent"
"""The name under which ``Sample.other`` holds how many percent of several coders saw a label."""


def unknown_units() -> NDArray[np.int8]:
    """Occurrence of 60 AUs, none of them known."""
    return np.full(facs.COUNT, facs.UNKNOWN, np.int8)


def unknown_intensities() -> NDArray[np.float32]:
    """Intensity of 60 AUs, none of them known."""
    return np.full(facs.COUNT, np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled image.

    ``units`` is int8 [60]: 1 present, 0 absent, -1 unknown. ``intensities`` is float32 [60], 0 to 5 or NaN.
    ``valence`` and ``arousal`` lie in [-1, 1] or are NaN. ``group`` is what must stay on one side of a split: a
    person where known, else a video, else a set of duplicate images. ``frame`` counts from 1; ``time`` is in
    seconds; both are absent (0 and NaN) for images. ``other`` holds occurrence labels outside FACS, such as AM-FED's
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


SPLITS = ("train", "validation", "test")
