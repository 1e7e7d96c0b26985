"""A trained model with its metadata, and its outputs in the order of the 60 AU columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.model_metadata import ModelMetadata, UnitCalibration
from affectflow.core.errors import UserError
from affectflow.datasets.dataset_info import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.metrics.scaling import Scaling, logits_of
from affectflow.prediction.networks import load_network


@dataclass(frozen=True, slots=True, eq=False)
class ModelOutputs:
    """A model's outputs for n images; NaN for AUs and heads that the model lacks."""

    probabilities: NDArray[np.float32]
    """Of AUs, [n, 60]."""
    intensities: NDArray[np.float32]
    """Of AUs, 0 to 5, [n, 60]."""
    affect: NDArray[np.float32]
    """Valence and arousal, -1 to 1, [n, 2]."""

    def without(self, rows: NDArray[np.bool_]) -> ModelOutputs:
        """Return the outputs with NaN for some of the images, bool [n]."""
        if not rows.any():
            return self
        outputs = (self.probabilities, self.intensities, self.affect)
        return ModelOutputs(*(np.where(rows[:, None], np.float32(np.nan), one) for one in outputs))


def read_metadata(model: Path, metadata: Path) -> ModelMetadata:
    """Return what is known of a model, without loading it; raises :class:`UserError` where a file is missing.

    Args:
        model: The ``model.keras`` or ``model.onnx`` file.
        metadata: The ``model.json`` file.
    """
    for path in (model, metadata):
        if not path.is_file():
            raise UserError(f"{path} does not exist; give the folder of a trained model.")
    return ModelMetadata.read(metadata)


class TrainedModel:
    """A model loaded from its two files."""

    def __init__(self, model: Path, metadata: Path, batch_size: int) -> None:
        """Load a model.

        Args:
            model: The ``model.keras`` file, or its export ``model.onnx``.
            metadata: The ``model.json`` file.
            batch_size: Number of images in a batch.

        Raises:
            UserError: A file is missing or damaged.
        """
        self.metadata = read_metadata(model, metadata)
        self._network = load_network(model, self.metadata, metadata)
        self._check_outputs(model)
        self.batch_size = batch_size
        self._columns = {
            ACTION_UNITS: np.array(self.metadata.units, int) - 1,
            INTENSITIES: np.array(self.metadata.intensity_units, int) - 1,
        }

    def _check_outputs(self, model: Path) -> None:
        """Raise :class:`UserError` where the network's outputs are not those that the metadata names."""
        expected = {
            ACTION_UNITS: len(self.metadata.units),
            INTENSITIES: len(self.metadata.intensity_units),
            VALENCE_AROUSAL: 2 if self.metadata.has_affect else 0,
        }
        found = self._network.widths
        if found is None:
            raise UserError(
                f"{model} has no outputs by name ({', '.join(expected)}); give a model that was trained here."
            )
        if found and found != (wanted := {head: n for head, n in expected.items() if n}):
            raise UserError(f"{model} has the outputs {found}, but its metadata {wanted}; train it again.")

    @property
    def image_size(self) -> int:
        """Side in pixels of the images that the model was trained on."""
        return self.metadata.image_size

    @property
    def sees_faces(self) -> bool:
        """Whether the model was trained on crops around faces, rather than on the center of images."""
        return self.metadata.needs_faces

    def predict(self, pixels: NDArray[np.uint8]) -> ModelOutputs:
        """Return the outputs for up to ``batch_size`` images, uint8 [n, image_size, image_size, 3]."""
        count = len(pixels)
        outputs = self._network.run(pixels, self.batch_size)
        if not all(np.isfinite(value).all() for value in outputs.values()):
            raise UserError("The model's outputs are not numbers; its weights are damaged: train it again.")
        by_unit = {head: np.full((count, facs.COUNT), np.nan, np.float32) for head in self._columns}
        for head, columns in self._columns.items():
            if columns.size:
                by_unit[head][:, columns] = outputs[head]
        if self.metadata.adaptation is not None:
            _adapt(by_unit[ACTION_UNITS], self.metadata.adaptation.units)
        affect = outputs.get(VALENCE_AROUSAL, np.full((count, 2), np.nan, np.float32))
        return ModelOutputs(by_unit[ACTION_UNITS], by_unit[INTENSITIES], affect)


def _adapt(probabilities: NDArray[np.float32], scalings: Mapping[str, UnitCalibration]) -> None:
    """Scale the logits of probabilities [n, 60], in place."""
    for name, one in scalings.items():
        unit = facs.parse_label(name)
        assert unit is not None  # as ModelMetadata checks
        column = probabilities[:, unit - 1]
        column[:] = Scaling(one.scale, one.shift).probability(logits_of(column))
