"""The pictures by which training is judged after every epoch, and from which thresholds and temperatures come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.records.access import Records
from affectflow.training import heads as heads_
from affectflow.training.fit import Line
from affectflow.training.heads import ACTION_UNITS, INTENSITIES, VALENCE_AROUSAL
from affectflow.training.joint import JointModel
from affectflow.training.reader import Labels, pictures_in_order
from affectflow.training.validate import has_spread, validate


class _After(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls something after every batch of a prediction."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call()


class Exam:
    """Validation, which labels of one value only cannot take part in."""

    def __init__(
        self,
        model: JointModel,
        taught: Mapping[str, tuple[int, ...]],
        files: Sequence[Path],
        labels: Labels,
        batch_size: int,
    ) -> None:
        self._model, self._taught, self._labels = model, taught, labels
        records = Records(files)
        self._pictures = pictures_in_order(records, records.batches(batch_size))
        for name in self.unmeasured():
            print(f"Validation has one value only of {name}; it is left out of the means.", flush=True)

    def unmeasured(self) -> list[str]:
        """AUs of which validation does not hold both classes, and other labels that are all the same there."""
        taught, labels = self._taught, self._labels
        both = (labels.units == facs.PRESENT).any(axis=0) & (labels.units == facs.ABSENT).any(axis=0)
        tracks = {f"intensity of {facs.label(u)}": labels.intensities[:, u - 1] for u in taught.get(INTENSITIES, ())}
        if VALENCE_AROUSAL in taught:
            tracks |= {"valence": labels.affect[:, 0], "arousal": labels.affect[:, 1]}
        return [
            *(facs.label(unit) for unit in taught.get(ACTION_UNITS, ()) if not both[unit - 1]),
            *(name for name, track in tracks.items() if not has_spread(track[~np.isnan(track)])),
        ]

    def raw(self, network: keras.Model, meanwhile: Callable[[], None] | None = None) -> dict[str, NDArray[np.float32]]:
        """The heads' raw numbers for all pictures; ``meanwhile`` is called after every batch."""
        asked = [_After(meanwhile)] if meanwhile is not None else None
        found: dict[str, NDArray[np.float32]] = network.predict(self._pictures, verbose=0, callbacks=asked)
        return found

    def measure(self, meanwhile: Callable[[], None]) -> tuple[float, Line]:
        """The score, and all measures for the history; raises :class:`FloatingPointError` for outputs that are no
        numbers."""
        raw = self.raw(self._model, meanwhile)
        if not all(np.isfinite(value).all() for value in raw.values()):
            raise FloatingPointError
        answers = {head: keras.ops.convert_to_numpy(heads_.outputs(head, value)) for head, value in raw.items()}
        labels = self._labels
        result = validate(self._taught, labels.units, labels.intensities, labels.affect, answers)
        return result.score, result.line()
