"""``model.json``: everything that is known of a trained model, so that its folder is enough to use it.

Light: it is read by evaluation and reports, which do without TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, model_validator

from affectflow import facs
from affectflow.contracts.json_file import JsonFile, Part
from affectflow.contracts.recipe import Recipe
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.datasets.face import CENTER, EYE_DISTANCE, EYE_HEIGHT, FACE


def _distinct(units: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(units)) < len(units):
        raise ValueError("an AU occurs twice")
    return units


Units = Annotated[tuple[Annotated[int, Field(ge=1, le=facs.COUNT)], ...], AfterValidator(_distinct)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class FaceAlignment(Part):
    """How faces were found and aligned for the training images."""

    detector: Literal["yunet", "dataset", "none"]
    """``dataset`` for the boxes that data sets ship; ``none`` for the center of each image."""
    sha256: str | None
    """Digest of the detector's file; null without a detector."""
    min_score: Share | None
    """The detector's confidence, 0 to 1, from which a detection is a face; null without a detector."""
    eye_distance: Share
    """Distance of the eyes in a crop, as a share of its side."""
    eye_height: Share
    """Distance of the eyes from the top of a crop, as a share of its side."""

    @classmethod
    def of(
        cls,
        detector: Literal["yunet", "dataset", "none"],
        sha256: str | None = None,
        min_score: float | None = None,
    ) -> Self:
        """Describe today's crops.

        Args:
            detector: ``yunet``, ``dataset`` for boxes that data sets ship, or ``none`` for the center of each image.
            sha256: Digest of the detector's file; None without a detector.
            min_score: The detector's confidence, 0 to 1, from which a detection is a face; None without a detector.
        """
        return cls(
            detector=detector,
            sha256=sha256,
            min_score=min_score,
            eye_distance=EYE_DISTANCE,
            eye_height=EYE_HEIGHT,
        )


class UnitCalibration(Part):
    """What turns the logit of an AU into that of a calibrated probability: ``scale * logit + shift``."""

    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    shift: FiniteFloat


class Adaptation(Part):
    """What the probabilities were fitted to after the training, by ``affectflow adapt``."""

    data: str
    """Title of the data set."""
    people: Count
    images: Count
    units: Mapping[str, UnitCalibration]
    """What turns the logit of an AU's probability into that of the adapted one; no part of the network's weights."""


class CalibrationError(Part):
    """Expected calibration error on the images of the calibration; null where there are no labels."""

    before: FiniteFloat | None
    """Of the network as trained."""
    after: FiniteFloat | None
    """After calibration, each part of the data by what was fitted to the others."""


class ImageCounts(Part):
    """Numbers of images."""

    train: Count
    validation: Count
    calibration: Count
    """That thresholds and calibration are fitted to: those of validation, or all, see `training.calibration_folds`."""


_MAX_SIDE = 4096
MODEL, ONNX, METADATA = "model.keras", "model.onnx", "model.json"
"""The files of a model's folder that predictions need: one of the first two, and the last."""


class ModelMetadata(JsonFile):
    """The content of ``model.json``."""

    remedy: ClassVar[str] = "train the model again"
    schema_version: Literal[2] = 2
    model_sha256: str = ""
    """Digest of the ``model.keras`` that this describes; empty where it is not known."""
    units: Units
    """AUs with a probability of occurrence, in the order of the outputs."""
    intensity_units: Units
    """AUs with an intensity, in the order of the outputs."""
    heads: tuple[str, ...]
    """The trained heads."""
    unsupported: tuple[str, ...]
    """Requested heads that no training image has labels for."""
    image_size: Annotated[int, Field(ge=1, le=_MAX_SIDE)]
    """Side in pixels of the stored training images; prediction crops to this size."""
    normalization: str
    """How pixels become inputs, as keras.applications names it; part of the network itself."""
    faces: FaceAlignment
    thresholds: Mapping[str, Share]
    """Probability from which an AU counts as predicted, by AU: where the output before calibration is 0.5."""
    validation_thresholds: Mapping[str, Share]
    """Threshold of best F1 on the images of the calibration, by AU."""
    calibration: Mapping[str, UnitCalibration]
    """What calibrated the probabilities, by AU; part of the network's weights."""
    calibration_error: CalibrationError
    synthetic: bool
    """Whether the training data is drawn."""
    best_epoch: Count
    """The epoch whose weights were kept, from 1."""
    epochs: Count
    """Number of epochs that were trained."""
    validation: Mapping[str, float | None]
    """Metrics of the best epoch."""
    unmeasured: tuple[str, ...]
    """Labels with one value only in validation."""
    uncalibrated: tuple[str, ...]
    """AUs with too few images of the calibration that show them, or do not: the validation threshold is 0.5, and the
    calibration undoes the weight in the loss alone."""
    crops: Mapping[str, Count]
    """Number of training images by kind of crop."""
    datasets: Mapping[str, Count]
    """Number of training images by data set."""
    positives: Mapping[str, int]
    """Number of training images with the AU present, by AU."""
    negatives: Mapping[str, int]
    """Number of training images with the AU absent, by AU."""
    images_with_intensity: Mapping[str, int]
    """Number of training images with a known intensity, by AU."""
    images_with_affect: Count
    """Number of training images with valence and arousal."""
    images: ImageCounts
    images_without_label: Count
    """Number of training images without any label that is learned."""
    shown_per_epoch: Mapping[str, float]
    """How often an image is shown in an epoch, by data set."""
    devices: Count
    """Number of devices that trained together."""
    versions: Mapping[str, str]
    """Versions of Keras and of its backend."""
    recipe: Recipe
    """The settings that decide the weights."""
    adaptation: Adaptation | None = None
    """Of the probabilities to other people; the network's own are without it."""

    @model_validator(mode="after")
    def _check_heads(self) -> Self:
        """Check that the AUs are those of the heads, whose outputs they are the order of."""
        for head, units in ((ACTION_UNITS, self.units), (INTENSITIES, self.intensity_units)):
            if (head in self.heads) != bool(units):
                raise ValueError(f"the head {head} has {len(units)} AUs")
        if unknown := set(self.heads) - {ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL}:
            raise ValueError(f"there is no head {min(unknown)[:40]!r}")
        adapted = self.adaptation.units if self.adaptation else {}
        if foreign := set(adapted) - {facs.label(unit) for unit in self.units}:
            raise ValueError(f"{min(foreign)[:40]!r} is adapted, and is not an AU of the model")
        return self

    @property
    def has_affect(self) -> bool:
        """Whether the model predicts valence and arousal."""
        return VALENCE_AROUSAL in self.heads

    @property
    def needs_faces(self) -> bool:
        """Whether the model was trained on crops around faces, rather than on the center of images."""
        return self.crops.get(FACE, 0) > self.crops.get(CENTER, 0)

    def headline(self) -> str:
        """Return how well the best epoch did on validation, on a line."""
        names = {
            "mean_auc": "AUC",
            "mean_f1": "F1",
            "mean_intensity_ccc": "intensity CCC",
            "valence_ccc": "valence CCC",
            "arousal_ccc": "arousal CCC",
        }
        values = ((title, self.validation.get(f"validation_{name}")) for name, title in names.items())
        shown = ", ".join(f"{title} {value:.3f}" for title, value in values if value is not None)
        best = f"epoch {self.best_epoch} of {self.epochs} is the best"
        return f"{self.images.train:,} images, {best}: {shown or 'no metric'}"
