"""Prediction from Python::

from affectflow.prediction.reader import load
table = load("results/models/resnet").predict("holiday.jpg", "interview.mp4")
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affectflow.contracts.model_metadata import METADATA, MODEL, ONNX, FaceAlignment
from affectflow.core.errors import UserError
from affectflow.datasets.face import EYE_DISTANCE, EYE_HEIGHT
from affectflow.faces.detector_file import DETECTOR, kept_detector
from affectflow.facs.emotions import emotions as emotions_of
from affectflow.media.pixels import Decoded
from affectflow.media.sources import UNKNOWN_KIND, Shown, Source, find_sources
from affectflow.prediction.model import TrainedModel, read_metadata
from affectflow.prediction.predictor import NO_FACE, FindFaces, Predictor
from affectflow.prediction.table import PredictionTable
from affectflow.prediction.write import Outputs, write_predictions

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image as PillowImage

log = logging.getLogger(__name__)
_MODELS = Path("results/models")
STARTER = "starter"
"""Name of the model that comes with the package."""
_STARTER_FOLDER = Path(__file__).with_name("starter")


def load(
    model: str | Path,
    detector: str | Path | None = None,
    cropped: bool = False,
    batch_size: int = 64,
    emotions: str = "emfacs",
    neutral: str | Path | None = None,
    fps: float | None = None,
) -> Reader:
    """Load a trained model.

    Args:
        model: Its folder, the name of a run in ``results/models``, or ``starter`` for the model of the package.
        detector: YuNet's file, for models trained on faces; by default ``face_detector.onnx`` in the model's folder, or
            the one that ``affectflow fetch-detector`` keeps for the user. It must be the file that the model was
            trained with.
        cropped: Whether images are cropped around the face already, so that no detector is needed.
        batch_size: Number of faces in a batch.
        emotions: Table of emotions, see ``affectflow facs``.
        neutral: A photograph of the person's neutral face, or a video or folder in whose median the face is neutral;
            the tables then have ``AU12_change`` and so on, by how much a probability is above the neutral one.
        fps: Frames of a second of that video that are read; None for all.

    Raises:
        affectflow.core.errors.UserError: A file is missing or damaged.
    """
    table = emotions_of(emotions)
    _, predictor = open_predictor(model, detector, cropped, batch_size)
    resting = None if neutral is None else _neutral_probabilities(predictor, Path(neutral), fps)
    return Reader(predictor, PredictionTable(predictor.model.metadata, table, resting))


def open_predictor(
    model: str | Path, detector: str | Path | None, cropped: bool, batch_size: int
) -> tuple[Path, Predictor]:
    """Return the folder of a trained model, and the model with its detector.

    Args:
        model: As of :func:`load`.
        detector: As of :func:`load`.
        cropped: Whether images are cropped around the face already.
        batch_size: Number of faces in a batch.

    Raises:
        UserError: A file is missing or damaged.
    """
    folder = _folder_of(Path(model))
    network = _network_of(folder)
    metadata = read_metadata(network, folder / METADATA)
    make_finder = _finder(folder, metadata.faces, detector) if metadata.needs_faces and not cropped else None
    if make_finder is None and not cropped:
        log.warning(
            "%s was trained without a search for faces, and reads the center of each image, whoever is there; crop "
            "faces before (affectflow crop), or train with faces.detector: yunet.",
            folder,
        )
    trained = TrainedModel(network, folder / METADATA, batch_size)  # last, for it takes seconds
    return folder, Predictor(trained, make_finder, threads=max(2, os.cpu_count() or 2))


def _neutral_probabilities(predictor: Predictor, path: Path, fps: float | None) -> NDArray[np.float32]:
    """Return the median of the probabilities of the most prominent faces of a photograph, folder or video, [60]."""
    found, problem = [], "it holds no image"
    sources = find_sources([path])
    if any(source.kind == "camera" for source in sources):
        raise UserError(f"{path} is a camera, which has no end; record a video, and give that as the neutral face.")
    for image in predictor.predict(shown for source in sources for shown in source.images(fps=fps)):
        if image.faces:
            found.append(image.faces[0].probabilities)
            continue
        problem = image.problem
        if problem != NO_FACE:
            log.warning("%s: %s; the neutral face is the median of the others.", image.shown.source, problem)
    if not found:
        raise UserError(f"{path} cannot be the neutral face ({problem}); give a photograph or video with the face.")
    return np.median(found, axis=0).astype(np.float32)


def _folder_of(model: Path) -> Path:
    """Return the folder of a model that is given by its folder or name."""
    for folder in (model, _MODELS / model):
        if any((folder / file).is_file() for file in (MODEL, ONNX)):
            return folder
    return _STARTER_FOLDER if model == Path(STARTER) else model


def _network_of(folder: Path) -> Path:
    """Return the file of a model's network: Keras's, or the export where TensorFlow or that file is missing."""
    exported = (folder / ONNX).is_file()
    by_keras = (folder / MODEL).is_file() and find_spec("tensorflow") is not None
    return folder / ONNX if exported and not by_keras else folder / MODEL


def _finder(folder: Path, faces: FaceAlignment, detector: str | Path | None) -> Callable[[], FindFaces]:
    """Return a maker of the detector that the model was trained with; raise :class:`UserError` where it cannot be."""
    if (faces.eye_distance, faces.eye_height) != (EYE_DISTANCE, EYE_HEIGHT):
        raise UserError(f"{folder} was trained on faces that are aligned otherwise than now; train the model again.")
    if faces.sha256 is None or faces.min_score is None:
        raise UserError(
            f"{folder} was trained on the faces that data sets ship, not on a detector's; crop the faces and give "
            "--cropped, or train with faces.detector: yunet."
        )
    places = [Path(detector)] if detector else [folder / DETECTOR.name, kept_detector()]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise UserError(
            f"{places[0]} does not exist, and this model was trained on faces; give YuNet's file (SHA-256 "
            f"{faces.sha256}) as the detector, or fetch it once: affectflow fetch-detector {kept_detector()}"
        )
    make = partial(_make_finder, path, faces.sha256, faces.min_score)
    make()  # reports a damaged file before any image is read
    return make


def _make_finder(path: Path, sha256: str, min_score: float) -> FindFaces:
    from affectflow.faces.yunet import Detector

    return Detector(path, sha256, min_score).find_all


class Reader:
    """Predicts for the faces in images, videos and from cameras."""

    def __init__(self, predictor: Predictor, table: PredictionTable) -> None:
        self._predictor = predictor
        self._table = table

    def predict(self, *images: str | Path | NDArray[np.uint8] | PillowImage) -> pd.DataFrame:
        """Return a row for each face in images, folders and videos, and for each image without a face.

        Images are paths, arrays uint8 RGB [height, width, 3], or Pillow images; those without a path are named
        ``image 1`` and so on.

        Columns: ``source``; ``frame`` (from 1) and ``time`` (seconds) of videos; ``face`` (from 1, the most prominent
        first; 0 without a face), its score, and its box in pixels; ``AU12`` and so on, calibrated probabilities;
        ``AU12_change`` with a neutral face;
        ``AU12_intensity`` (0 to 5); ``valence`` and ``arousal`` (-1 to 1); ``emotion``, and for each emotion the share
        of its AUs that are present; ``problem``, the reason why an image has no values. Raises
        :class:`affectflow.core.errors.UserError` for a path that does not exist.
        """
        import pandas as pd

        found = self._predictor.predict(_shown(images))
        rows = [row for image in found for row in self._table.rows(image)]
        return pd.DataFrame(rows, columns=list(self._table.columns))

    def write(
        self,
        paths: list[Path],
        outputs: Outputs,
        seconds: float | None = None,
        fps: float | None = None,
    ) -> list[str]:
        """Write the same rows to a file; see :func:`affectflow.prediction.write.write_predictions`.

        Args:
            paths: Images, folders, videos and cameras.
            outputs: What is written.
            seconds: Time limit for cameras in seconds; None for no limit.
            fps: Frames of a second of a video or camera that are read; None for all.

        Returns:
            A message for each source that could not be read completely.

        Raises:
            UserError: A path does not exist, the table has another suffix, or the folder of the overlay is inside one
                of the folders.
        """
        overlay = outputs.overlay
        for path in paths:
            if overlay is not None and path.is_dir() and overlay.resolve().is_relative_to(path.resolve()):
                raise UserError(f"{overlay} is inside {path} and would be read the next time; choose another folder.")
        return write_predictions(self._predictor, self._table, _readable(paths), outputs, seconds, fps)


def _readable(paths: list[Path]) -> list[Source]:
    """Return the sources at some paths; files in folders that are neither images nor videos are passed over."""
    found = find_sources(paths)
    kept = [source for source in found if source.named or source.problem != UNKNOWN_KIND]
    if len(kept) < len(found):
        other = next(source for source in found if not source.named and source.problem == UNKNOWN_KIND)
        log.warning("Passed over %d files that are neither images nor videos (%s).", len(found) - len(kept), other.name)
    return kept


def _shown(images: tuple[Any, ...]) -> Iterator[Shown]:
    for number, image in enumerate(images, start=1):
        if isinstance(image, (str, Path)):
            yield from (shown for source in _readable([Path(image)]) for shown in source.images())
        else:
            yield Shown(f"image {number}", Decoded(_pixels(image, number)))


def _pixels(image: Any, number: int) -> NDArray[np.uint8]:
    """Return an array or a Pillow image as uint8 RGB [height, width, 3], upright."""
    if hasattr(image, "getexif"):
        from PIL import ImageOps

        image = ImageOps.exif_transpose(image).convert("RGB")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UserError(
            f"image {number} is an array of {pixels.dtype} {list(pixels.shape)}; give uint8 [height, width, 3] in RGB."
        )
    return pixels
