"""The labelled image that every data set yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from affectflow import facs

if TYPE_CHECKING:  # the modules of data sets are imported for their INFO alone
    import numpy as np
    from numpy.typing import NDArray

    from affectflow.datasets.face import Face
    from affectflow.media.pixels import Image

SPLITS = ("train", "validation", "test")
PERCENT = "{} percent"
"""Name in ``Sample.other`` of the percentage of coders who saw a label."""


def unknown_units() -> NDArray[np.int8]:
    """Return the occurrence of 60 AUs, all unknown."""
    import numpy as np

    return np.full(facs.COUNT, facs.UNKNOWN, np.int8)


def unknown_intensities() -> NDArray[np.float32]:
    """Return the intensity of 60 AUs, all unknown."""
    import numpy as np

    return np.full(facs.COUNT, np.nan, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled image.

    Names of files that are not UTF-8 are here with a backslash in place of each byte that is not, as in
    ``caf\\udce9.avi``, so that every table can hold them.

    Attributes:
        image: The image, decoded on demand.
        dataset: Name of the data set.
        source: Name of the image within its set: a file name, or video and frame.
        group: What must stay on one side of a split: a person where known, else a video, else near duplicates.
        subject: Name of the person, or empty.
        video: Name of the video, or empty.
        frame: Number of the frame from 1; 0 for images.
        time: Time of the frame in seconds; NaN for images.
        units: AU occurrence, int8 [60]: 1 present, 0 absent, -1 unknown.
        intensities: AU intensity, float32 [60]: 0 to 5, or NaN.
        valence: From -1 to 1, or NaN.
        arousal: From -1 to 1, or NaN.
        other: Occurrence labels outside FACS, such as AM-FED's ``Smile``, and percentages of coders (``AU2 percent``).
        face: Position of the face; None where there is none or, unless ``looked_for``, where it is not known.
        looked_for: Whether faces were searched for in this image.
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

    def __post_init__(self) -> None:
        for name in ("source", "group", "subject", "video"):
            text = getattr(self, name)
            if not text.isascii():
                object.__setattr__(self, name, text.encode("utf-8", "backslashreplace").decode())
