"""Which video a trace is of, and which dimension: by what the file says, or by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.recording import DIMENSIONS
from affectflow.core.errors import UserError

Numbers = NDArray[np.float64]
_NUMBERED = (re.compile(r"batch[_ -]?(\d+)", re.IGNORECASE), re.compile(r"video[_ -]?(\d+)", re.IGNORECASE))
"""Names of annotation videos; earlier versions called them batches, and people have traces with such names."""


@dataclass(frozen=True, slots=True, eq=False)
class AnnotationVideo:
    """A video that is annotated.

    Attributes:
        number: From 1.
        images: [frames] names of its images.
        times: [frames] in seconds, NaN if unknown.
        digests: SHA-256 of the images; of the file if the video is one of the user's own.
        name: File name of a video of the user's own, else empty.
    """

    number: int
    images: Sequence[str]
    times: Numbers
    digests: Sequence[str] = ()
    name: str = ""

    def __str__(self) -> str:
        return self.name or f"annotation video {self.number}"


FindVideo = Callable[[Path, str], AnnotationVideo]
"""Finds the video of a trace by its path and the name that it gives; raises :class:`UserError` if there is none."""


def find_by_number(videos: Mapping[int, AnnotationVideo], path: Path, video: str) -> AnnotationVideo:
    """Find a video by the number in the video's name that the trace gives, or in the trace's own name.

    Args:
        videos: The annotation videos by number.
        path: The file of the trace.
        video: The name of the video that the trace gives, or empty.

    Raises:
        UserError: Neither has a number of an annotation video, or they differ.
    """
    by_video, by_name = _number_in(video.replace("\\", "/").rsplit("/", 1)[-1]), _number_in(path.stem)
    if by_video is not None and by_name is not None and by_video != by_name:
        raise UserError(
            f"{path} is named after annotation video {by_name}, but was made of annotation video {by_video} "
            f"({video}); correct its name."
        )
    number = by_video if by_video is not None else by_name
    if number is None:
        raise UserError(
            f"{path} is not named after an annotation video; call it video_001_valence.txt or video_001.csv."
        )
    if number not in videos:
        raise UserError(
            f"{path} is a trace of annotation video {number}, which does not exist; there are {len(videos)}."
        )
    return videos[number]


def _number_in(name: str) -> int | None:
    match = next((found for pattern in _NUMBERED if (found := pattern.search(name))), None)
    return int(match.group(1)) if match else None


def dimension_of(path: Path) -> str:
    """Return the dimension that a file is named after; raise :class:`UserError` where that is none, or both."""
    stem = path.stem.lower()
    at_end = [dimension for dimension in DIMENSIONS if stem.endswith(dimension)]
    named = at_end or [dimension for dimension in DIMENSIONS if dimension in stem]
    if len(named) != 1:
        raise UserError(f"{path} does not say whether it is of valence or of arousal; add one of them to its name.")
    return named[0]
