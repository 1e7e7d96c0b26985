"""Model predictions for the images to annotate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from affectflow.annotation.columns import MODEL_PREDICTION_COLUMNS
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv


@dataclass(frozen=True, slots=True)
class ModelPrediction:
    """Prediction for an image: valence and arousal in [-1, 1], and their uncertainty.

    The uncertainty is the standard deviation over views of the image (see :mod:`affectflow.prediction.affect`).
    """

    valence: float
    arousal: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class ModelPredictions:
    """Predictions of one model, by SHA-256 of the image; without a model, no predictions."""

    model: str = ""
    by_image: Mapping[str, ModelPrediction] = field(default_factory=dict)


def predictions_path(model: str) -> Path:
    """Return the file to which the workflow writes the predictions of a run."""
    return Path("results/annotation/predictions") / f"{model}.csv"


def read_model_predictions(path: Path, model: str) -> ModelPredictions:
    """Read the predictions of a model.

    Args:
        path: The table of predictions.
        model: Name of the model, as the page shows it.

    Raises:
        UserError: The file does not exist, or a line is not a prediction.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist; run snakemake {path} first.")
    predictions: dict[str, ModelPrediction] = {}
    for line, row in enumerate(read_csv(path, MODEL_PREDICTION_COLUMNS), start=2):
        try:
            prediction = ModelPrediction(float(row["valence"]), float(row["arousal"]), float(row["uncertainty"]))
            in_range = -1 <= prediction.valence <= 1 and -1 <= prediction.arousal <= 1
            if not (in_range and 0 <= prediction.uncertainty < math.inf):
                raise ValueError
        except ValueError:
            raise UserError(
                f"{path}, line {line}: this is not a prediction (valence and arousal from -1 to 1, uncertainty 0 or "
                f"more); delete the file and run snakemake {path}."
            ) from None
        predictions[row["image_sha256"]] = prediction
    return ModelPredictions(model, predictions)
