"""A trained model as its folder holds it, and its outputs in the order of the 60 AU columns."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.face import CENTER, FACE

MODEL, CARD = "model.keras", "model.json"
_HEADS = {"action_units": "units", "intensities": "intensity_units"}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Of n images: ``probabilities`` and ``intensities`` (0 to 5), float32 [n, 60], NaN for AUs that the model was
    not taught; ``affect``, float32 [n, 2], valence and arousal from -1 to 1, NaN where it has no such head."""

    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    affect: NDArray[np.float32]


class TrainedModel:
    """Raises :class:`UserError` where one of the two files is missing or not whole."""

    def __init__(self, model: Path, card: Path, batch_size: int) -> None:
        import keras

        for path in (model, card):
            if not path.is_file():
                raise UserError(f"{path} does not exist; give the folder of a trained model.")
        try:
            self.card: dict[str, Any] = json.loads(card.read_bytes())
        except ValueError as error:
            raise UserError(f"{card} is damaged ({error}); train the model again.") from None
        try:
            self._model = keras.saving.load_model(model, compile=False)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{model} is damaged, or no model of Keras 3 ({reason}); train it again.") from None
        self.batch_size = batch_size
        self._columns = {
            head: np.array(self.card[units], int) - 1 for head, units in _HEADS.items() if head in self.card["heads"]
        }

    @property
    def image_size(self) -> int:
        """The side in pixels of the images that it was trained on."""
        return int(self.card["image_size"])

    @property
    def sees_faces(self) -> bool:
        """Whether it was trained on crops around the face, rather than on the center of images."""
        crops = self.card["crops"]
        return bool(crops.get(FACE, 0) > crops.get(CENTER, 0))

    def answer(self, pixels: NDArray[np.uint8]) -> Answers:
        """What it says of images, uint8 [n, image_size, image_size, 3], with n up to ``batch_size``."""
        count = len(pixels)
        # A batch is always full, so that every image meets the same arithmetic.
        padded = np.concatenate([pixels, np.repeat(pixels[-1:], self.batch_size - count, axis=0)])
        outputs = {head: np.asarray(value)[:count] for head, value in self._model.predict_on_batch(padded).items()}
        of_units = {head: np.full((count, facs.COUNT), np.nan, np.float32) for head in _HEADS}
        for head, columns in self._columns.items():
            of_units[head][:, columns] = outputs[head]
        affect = outputs.get("valence_arousal", np.full((count, 2), np.nan, np.float32))
        return Answers(of_units["action_units"], of_units["intensities"], affect)
