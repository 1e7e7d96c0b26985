"""``model.json``: everything that is known of a trained model, so that its folder is enough to use it.

Light: it is read by evaluation and reports, which do without TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from affectflow.core.atomic import atomic_write
from affectflow.core.contract import read_contract
from affectflow.datasets.dataset_info import VALENCE_AROUSAL
from affectflow.datasets.face import CENTER, EYE_DISTANCE, EYE_HEIGHT, FACE

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FaceAlignment(_Part):
    """How faces were found and aligned for the training images.

    Attributes:
        detector: ``yunet``; ``dataset`` for the boxes that data sets ship; ``none`` for the center of each image.
        sha256: Digest of the detector's file; None without a detector.
        min_score: The detector's confidence, 0 to 1, from which a detection is a face; None without a detector.
        eye_distance: Distance of the eyes in a crop, as a share of its side.
        eye_height: Distance of the eyes from the top of a crop, as a share of its side.
    """

    detector: Literal["yunet", "dataset", "none"]
    sha256: str | None = None
    min_score: float | None = None
    eye_distance: float = EYE_DISTANCE
    eye_height: float = EYE_HEIGHT


class CalibrationError(_Part):
    """Expected calibration error on validation, before and after calibration; None where there are no labels."""

    before: float | None
    after: float | None


class ImageCounts(_Part):
    """Numbers of images."""

    train: int
    validation: int


class ModelMetadata(_Part):
    """The content of ``model.json``.

    Attributes:
        schema_version: Version of these keys.
        units: AUs with a probability of occurrence, in the order of the outputs.
        intensity_units: AUs with an intensity, in the order of the outputs.
        heads: The trained heads.
        unsupported: Requested heads that no training image has labels for.
        image_size: Side in pixels of the stored training images; prediction crops to this size.
        normalization: How pixels become inputs, as keras.applications names it; part of the network itself.
        faces: How faces were found and aligned.
        thresholds: Threshold of best F1 on validation, by AU.
        temperatures: Temperature that the logits were divided by, by AU; part of the network's weights.
        calibration_error: Expected calibration error on validation.
        synthetic: Whether the training data is drawn.
        best_epoch: The epoch whose weights were kept, from 1.
        epochs: Number of epochs that were trained.
        validation: Metrics of the best epoch.
        unmeasured: Labels with one value only in validation.
        crops: Number of training images by kind of crop.
        datasets: Number of training images by data set.
        positives: Number of training images with the AU present, by AU.
        negatives: Number of training images with the AU absent, by AU.
        images_with_intensity: Number of training images with a known intensity, by AU.
        images_with_affect: Number of training images with valence and arousal.
        images: Number of images.
        images_without_label: Number of training images without any label that is learned.
        shown_per_epoch: How often an image is shown in an epoch, by data set.
        devices: Number of devices that trained together.
        versions: Versions of Keras and of its backend.
        recipe: The settings that decide the weights.
    """

    schema_version: Literal[1] = 1
    units: tuple[int, ...]
    intensity_units: tuple[int, ...]
    heads: tuple[str, ...]
    unsupported: tuple[str, ...]
    image_size: int
    normalization: str
    faces: FaceAlignment
    thresholds: Mapping[str, float]
    temperatures: Mapping[str, float]
    calibration_error: CalibrationError
    synthetic: bool
    best_epoch: int
    epochs: int
    validation: Mapping[str, float | None]
    unmeasured: tuple[str, ...]
    crops: Mapping[str, int]
    datasets: Mapping[str, int]
    positives: Mapping[str, int]
    negatives: Mapping[str, int]
    images_with_intensity: Mapping[str, int]
    images_with_affect: int
    images: ImageCounts
    images_without_label: int
    shown_per_epoch: Mapping[str, float]
    devices: int
    versions: Mapping[str, str]
    recipe: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``model.json``; raise :class:`affectflow.core.errors.UserError` if it cannot be used."""
        return read_contract(cls, path, SCHEMA_VERSION, remedy="train the model again")

    def write(self, path: Path) -> None:
        """Write ``model.json``."""
        with atomic_write(path) as partial:
            partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @property
    def has_affect(self) -> bool:
        """Whether the model predicts valence and arousal."""
        return VALENCE_AROUSAL in self.heads

    @property
    def needs_faces(self) -> bool:
        """Whether the model was trained on crops around faces, rather than on the center of images."""
        return self.crops.get(FACE, 0) > self.crops.get(CENTER, 0)
