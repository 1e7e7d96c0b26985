"""What an annotation tool exported: numbers at times, at frames, or for images."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VALENCE, AROUSAL = "valence", "arousal"
DIMENSIONS = (VALENCE, AROUSAL)


class Course(Enum):
    """What holds between two numbers."""

    FRAMES = "each belongs to the frame of its number"
    SAMPLES = "a straight line"
    HELD = "the first, until the second"
    BINS = "the second, which is the mean of the time since the first"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One dimension of one video, or of one batch, by one annotator.

    ``at`` [n] are frame numbers from 1 for :attr:`Course.FRAMES`, else seconds, never falling; ``values`` [n] are as
    exported, NaN where there is none; ``lines`` [n] say where in the file they stand. ``limits`` are the lowest and
    highest value that the tool can have written, None where it does not say. ``dimension``, ``annotator`` and ``video``
    are empty where the file does not say.
    """

    path: Path
    tool: str
    course: Course
    at: NDArray[np.float64]
    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    limits: tuple[float, float] | None = None
    dimension: str = ""
    annotator: str = ""
    video: str = ""
    every_frame: bool = False
    """Whether there is a line for every frame, so that other numbers of lines are mistakes."""
    cut: str = ""
    """:func:`affectflow.annotation.trace_log.cut_of` of the images that were seen, where the tool knows it."""
    blank: int = 0
    """How many empty lines are at the end; they may be frames without a value."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A number for an image, or for a frame (from 1) of a video, as tools for labelling images write it."""

    path: Path
    tool: str
    where: str
    """In the file, for a sentence."""
    image: str
    dimension: str
    value: float
    annotator: str = ""
    frame: int = 0
    sha256: str = ""
    """Of the image, where the tool knows it; then the name does not count."""
    again: bool = False
    """Whether it is of the second time that the annotator saw the image; after that of the first."""
    after_prediction: bool = False
    """Whether the annotator had looked at what a model says."""


Export = Recording | Mark
