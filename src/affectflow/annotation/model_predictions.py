"""What a trained model says of the images that are to be annotated."""

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
    """Of an image: valence and arousal in [-1, 1], and how far views of it lie apart in their plane."""

    valence: float
    arousal: float
    spread: float


@dataclass(frozen=True, slots=True)
class ModelPredictions:
    """Those of one model, by SHA-256 of the image; of no model there are none."""

    model: str = ""
    by_image: Mapping[str, ModelPrediction] = field(default_factory=dict)


def predictions_path(model: str) -> Path:
    """Where the workflow puts those of a run."""
    return Path("results/annotation/predictions") / f"{model}.csv"


def read_model_predictions(path: Path, model: str) -> ModelPredictions:
    """Raises :class:`UserError` where there is no such file, or a line of it is no prediction."""
    if not path.is_file():
        raise UserError(f"{path} does not exist; run snakemake {path} first.")
    found: dict[str, ModelPrediction] = {}
    for line, row in enumerate(read_csv(path, MODEL_PREDICTION_COLUMNS), start=2):
        try:
            one = ModelPrediction(float(row["valence"]), float(row["arousal"]), float(row["spread"]))
            if not (-1 <= one.valence <= 1 and -1 <= one.arousal <= 1 and 0 <= one.spread < math.inf):
                raise ValueError
        except ValueError:
            raise UserError(f"{path}, line {line}: no prediction; delete the file and run snakemake {path}.") from None
        found[row["image_sha256"]] = one
    return ModelPredictions(model, found)
