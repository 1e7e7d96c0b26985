"""What an annotation tool exported: values at times or at frames of a video, or ratings of images."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VALENCE, AROUSAL = "valence", "arousal"
DIMENSIONS = (VALENCE, AROUSAL)


class Interpolation(Enum):
    """How values between two exported values are found."""

    PER_FRAME = "each value belongs to the frame of its number"
    LINEAR = "values lie on the straight line between the two"
    HOLD = "the first value holds until the second"
    BIN_MEAN = "the second value is the mean of the time since the first"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One dimension of one video by one annotator.

    Attributes:
        path: The exported file.
        tool: Name of the annotation tool.
        interpolation: How values between two exported values are found.
        positions: [n] frame numbers from 1 for :attr:`Interpolation.PER_FRAME`, else seconds in rising order.
        values: [n] as exported, NaN for a missing value.
        lines: [n] line numbers in the file.
        limits: Lowest and highest value that the tool can write; None if the file does not say.
        dimension: Empty if the file does not say.
        annotator: Empty if the file does not say.
        video: Empty if the file does not say.
        every_frame: Whether the file has a line for every frame, so that another number of lines is a mistake.
        content_digest: :func:`affectflow.annotation.trace_log.content_digest` of the annotated images, if the tool
            knows it.
        blank_lines: Number of empty lines at the end, which may be frames without a value.
    """

    path: Path
    tool: str
    interpolation: Interpolation
    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    limits: tuple[float, float] | None = None
    dimension: str = ""
    annotator: str = ""
    video: str = ""
    every_frame: bool = False
    content_digest: str = ""
    blank_lines: int = 0


@dataclass(frozen=True, slots=True)
class ImageRating:
    """One dimension of an image, or of a frame of a video, as tools for labeling images write it.

    Attributes:
        path: The exported file.
        tool: Name of the annotation tool.
        location: Position in the file, for messages.
        image: File name of the image, or of the video if ``frame`` is given.
        dimension: Valence or arousal.
        value: As exported.
        annotator: Empty if the file does not say.
        frame: Frame number from 1; 0 for an image.
        sha256: Digest of the image, if the tool knows it; then the name does not count.
        is_repeat: Whether the image was shown a second time; the first rating comes before.
        after_prediction: Whether the annotator had seen the model prediction.
        limits: Lowest and highest value of the tool's scale; None if the file does not say.
    """

    path: Path
    tool: str
    location: str
    image: str
    dimension: str
    value: float
    annotator: str = ""
    frame: int = 0
    sha256: str = ""
    is_repeat: bool = False
    after_prediction: bool = False
    limits: tuple[float, float] | None = None


Export = Recording | ImageRating
