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
from affectflow.training.heads import ACTION_UNITS
from affectflow.training.joint import JointModel
from affectflow.training.reader import Labels, pictures_in_order
from affectflow.training.validate import validate


class _After(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls something after every batch of a prediction."""

    def __init__(self, call: Callable[[], None]) -> None:
        super().__init__()
        self._call = call

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call()


class Exam:
    """Validation, which an AU without any positive or negative example cannot take part in."""

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
        for unit in self.unmeasured():
            print(f"Validation has only one class of {unit}; it is left out of the means.", flush=True)

    def unmeasured(self) -> list[str]:
        """AUs of which validation does not hold both classes."""
        units = self._taught.get(ACTION_UNITS, ())
        both = (self._labels.units == facs.PRESENT).any(axis=0) & (self._labels.units == facs.ABSENT).any(axis=0)
        return [facs.label(unit) for unit in units if not both[unit - 1]]

    def raw(self, meanwhile: Callable[[], None] | None = None) -> dict[str, NDArray[np.float32]]:
        """The heads' raw numbers for all pictures; ``meanwhile`` is called after every batch."""
        asked = [_After(meanwhile)] if meanwhile is not None else None
        found: dict[str, NDArray[np.float32]] = self._model.predict(self._pictures, verbose=0, callbacks=asked)
        return found

    def measure(self, meanwhile: Callable[[], None]) -> tuple[float, Line]:
        """The score, and all measures for the history; raises :class:`FloatingPointError` for outputs that are no
        numbers."""
        raw = self.raw(meanwhile)
        if not all(np.isfinite(value).all() for value in raw.values()):
            raise FloatingPointError
        answers = {head: keras.ops.convert_to_numpy(heads_.outputs(head, value)) for head, value in raw.items()}
        labels = self._labels
        result = validate(self._taught, labels.units, labels.intensities, labels.affect, answers)
        return result.score, result.line()
