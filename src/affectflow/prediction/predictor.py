"""Predictions of a model for each face in images, in bounded memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.core.parallel import over_threads
from affectflow.datasets.face import CENTER, FACE, Face
from affectflow.faces.crop import crop
from affectflow.media.images import ImageError
from affectflow.media.sources import Shown

if TYPE_CHECKING:
    from affectflow.prediction.model import TrainedModel

NO_FACE = "no face"
_MAX_WAITING_BYTES = 1 << 28
"""Most bytes of kept pixels before a batch is predicted even if it is not full."""
FindFaces = Callable[[NDArray[np.uint8]], list[Face]]
"""Returns all faces of an image, uint8 [height, width, 3], the most prominent first."""


@dataclass(frozen=True, slots=True, eq=False)
class FacePrediction:
    """A model's outputs for one face: ``probabilities`` and ``intensities`` float32 [60], ``affect`` float32 [2].

    ``face`` is None if the center of the image was used (``crop`` is ``center``).
    """

    face: Face | None
    crop: str
    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    affect: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ImagePredictions:
    """An image and the predictions for its faces; ``problem`` says why there are none."""

    shown: Shown
    faces: list[FacePrediction] = field(default_factory=list)
    problem: str = ""
    pixels: NDArray[np.uint8] | None = None
    """The image, uint8 [height, width, 3], if it was to be kept."""


@dataclass(frozen=True, slots=True, eq=False)
class _CroppedImage:
    shown: Shown
    faces: list[Face | None] = field(default_factory=list)
    crops: list[NDArray[np.uint8]] = field(default_factory=list)
    problem: str = ""
    pixels: NDArray[np.uint8] | None = None


class Predictor:
    """A trained model and the detector that finds faces for it."""

    def __init__(self, model: TrainedModel, make_finder: Callable[[], FindFaces] | None, threads: int) -> None:
        """Combine a model with a detector.

        Args:
            model: The model.
            make_finder: Creates a detector for a thread. None crops the center square of every image, for models
                trained that way and for images that are cropped already.
            threads: Number of threads that decode images and detect faces.
        """
        self.model = model
        self._make_finder = make_finder
        self._threads = threads
        self._thread_local = threading.local()

    def predict(self, images: Iterable[Shown], keep_pixels: bool = False) -> Iterator[ImagePredictions]:
        """Yield the predictions for each image, in order.

        About one batch of faces, and the images that they are in, are in memory.

        Args:
            images: The images.
            keep_pixels: Whether results include the images' pixels.
        """
        waiting: list[_CroppedImage] = []
        faces = waiting_bytes = 0
        for image in over_threads(lambda shown: self._crop_faces(shown, keep_pixels), images, self._threads):
            waiting.append(image)
            faces += len(image.crops)
            waiting_bytes += 0 if image.pixels is None else image.pixels.nbytes
            if max(faces, len(waiting)) >= self.model.batch_size or waiting_bytes >= _MAX_WAITING_BYTES:
                yield from self._predict_faces(waiting)
                waiting, faces, waiting_bytes = [], 0, 0
        yield from self._predict_faces(waiting)

    def _crop_faces(self, shown: Shown, keep_pixels: bool) -> _CroppedImage:
        if shown.image is None:
            return _CroppedImage(shown, problem=shown.problem)
        try:
            pixels = shown.image.rgb()
        except (ImageError, UserError) as error:
            return _CroppedImage(shown, problem=str(error))
        faces = self._find_faces(pixels)
        crops = [crop(pixels, face, self.model.image_size) for face in faces]
        return _CroppedImage(shown, faces, crops, "" if faces else NO_FACE, pixels if keep_pixels else None)

    def _find_faces(self, pixels: NDArray[np.uint8]) -> list[Face | None]:
        if self._make_finder is None:
            return [None]
        if not hasattr(self._thread_local, "find"):
            self._thread_local.find = self._make_finder()
        return list(self._thread_local.find(pixels))

    def _predict_faces(self, images: list[_CroppedImage]) -> Iterator[ImagePredictions]:
        outputs = self._outputs([pixels for image in images for pixels in image.crops])
        for image in images:
            predictions = [
                FacePrediction(face, CENTER if face is None else FACE, probabilities, intensities, affect)
                for face, (probabilities, intensities, affect) in zip(image.faces, outputs, strict=False)
            ]
            yield ImagePredictions(image.shown, predictions, image.problem, image.pixels)

    def _outputs(
        self, crops: list[NDArray[np.uint8]]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]]:
        """Yield probabilities, intensities and affect of each crop."""
        size = self.model.batch_size
        for first in range(0, len(crops), size):
            outputs = self.model.predict(np.stack(crops[first : first + size]))
            yield from zip(outputs.probabilities, outputs.intensities, outputs.affect, strict=True)
