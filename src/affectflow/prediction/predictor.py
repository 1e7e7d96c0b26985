"""Images -> what a model says of each face in them, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.core.parallel import over_threads
from affectflow.datasets.face import CENTER, FACE, Face
from affectflow.faces.crop import crop
from affectflow.media.images import ImageError
from affectflow.media.sources import Shown
from affectflow.prediction.model import Answers, TrainedModel

NO_FACE = "no face"
_MOST_KEPT = 1 << 28  # bytes of pixels that wait for their answers
FindFaces = Callable[[NDArray[np.uint8]], list[Face]]
"""All faces of an image, uint8 [height, width, 3], the most prominent first."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the model says of one face: ``probabilities`` and ``intensities`` float32 [60], ``affect`` float32 [2].

    ``face`` is None where the center of the image was taken (``crop`` is ``center``).
    """

    face: Face | None
    crop: str
    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    affect: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """An image, its faces, and why there are none. ``pixels`` are kept where they are wanted."""

    shown: Shown
    readings: list[Reading] = field(default_factory=list)
    problem: str = ""
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Cropped:
    shown: Shown
    faces: list[Face | None]
    crops: list[NDArray[np.uint8]]
    problem: str
    pixels: NDArray[np.uint8] | None


class Predictor:
    """A trained model, and how faces are found for it.

    ``make_finder`` makes a detector for a thread; None where images are taken as they are, their center square, as
    a model wants it that was trained so, or on images that were cropped before.
    """

    def __init__(self, model: TrainedModel, make_finder: Callable[[], FindFaces] | None, threads: int) -> None:
        self.model = model
        self._make_finder = make_finder
        self._threads = threads
        self._of_thread = threading.local()

    def over(self, images: Iterable[Shown], keep_pixels: bool = False) -> Iterator[Predicted]:
        """What it says of each, in order; a full batch of faces, and the images that they are in, are in memory.

        Images are decoded, and faces are looked for, in several threads.
        """
        waiting: list[_Cropped] = []
        faces = kept = 0
        for one in over_threads(lambda shown: self._look(shown, keep_pixels), images, self._threads):
            waiting.append(one)
            faces += len(one.crops)
            kept += 0 if one.pixels is None else one.pixels.nbytes
            if max(faces, len(waiting)) >= self.model.batch_size or kept >= _MOST_KEPT:
                yield from self._answered(waiting)
                waiting, faces, kept = [], 0, 0
        yield from self._answered(waiting)

    def _look(self, shown: Shown, keep_pixels: bool) -> _Cropped:
        if shown.image is None:
            return _Cropped(shown, [], [], shown.problem, None)
        try:
            pixels = shown.image.rgb()
        except (ImageError, UserError) as error:
            return _Cropped(shown, [], [], str(error), None)
        faces = self._faces(pixels)
        crops = [crop(pixels, face, self.model.image_size) for face in faces]
        return _Cropped(shown, faces, crops, "" if faces else NO_FACE, pixels if keep_pixels else None)

    def _faces(self, pixels: NDArray[np.uint8]) -> list[Face | None]:
        if self._make_finder is None:
            return [None]
        if not hasattr(self._of_thread, "find"):
            self._of_thread.find = self._make_finder()
        return list(self._of_thread.find(pixels))

    def _answered(self, waiting: list[_Cropped]) -> Iterator[Predicted]:
        answers = self._answers([pixels for one in waiting for pixels in one.crops])
        for one in waiting:
            readings = [
                Reading(face, CENTER if face is None else FACE, *answer)
                for face, answer in zip(one.faces, answers, strict=False)
            ]
            yield Predicted(one.shown, readings, one.problem, one.pixels)

    def _answers(
        self, crops: list[NDArray[np.uint8]]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
        size = self.model.batch_size
        for first in range(0, len(crops), size):
            found: Answers = self.model.answer(np.stack(crops[first : first + size]))
            yield from zip(found.probabilities, found.intensities, found.affect, strict=True)
