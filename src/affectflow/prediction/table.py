"""Tables of predictions: one row for each face, and one for each image without a face."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.facs.emotions import Emotion
from affectflow.facs.expression import name_emotions, predicted_levels, shares
from affectflow.prediction.predictor import FacePrediction, ImagePredictions
from affectflow.tables.csv_files import csv_writer
from affectflow.tables.parquet import row_writer

if TYPE_CHECKING:
    import pyarrow as pa

_FACE_COLUMNS = ("face", "face_score", "left", "top", "width", "height", "turn", "crop")
_TEXTS, _INTEGERS = ("source", "crop", "emotion", "problem"), ("frame", "face", "turn")
Row = dict[str, Any]


class PredictionTable:
    """Columns and rows of a model's predictions; emotions need a model that predicts AUs.

    Attributes:
        columns: Their names.
        thresholds: Probability from which an AU is present, by AU.
    """

    def __init__(
        self, metadata: ModelMetadata, emotions: Mapping[str, Emotion], neutral: NDArray[np.float32] | None = None
    ) -> None:
        """Decide on the columns.

        Args:
            metadata: What is known of the model.
            emotions: Table of emotions, by name.
            neutral: Probabilities [60] of the person's neutral face, from which changes are told; None for no changes.
        """
        self._units, self._intensity_units = metadata.units, metadata.intensity_units
        self._has_affect = metadata.has_affect
        self.thresholds = metadata.thresholds
        self._neutral = neutral
        self._emotions = emotions if self._units or self._intensity_units else {}
        self.columns: tuple[str, ...] = (
            *("source", "frame", "time", *_FACE_COLUMNS),
            *map(facs.label, self._units),
            *(f"{facs.label(unit)}_change" for unit in self._units if neutral is not None),
            *(f"{facs.label(unit)}_intensity" for unit in self._intensity_units),
            *(("valence", "arousal") if self._has_affect else ()),
            *(("emotion",) if self._emotions else ()),
            *(emotion.column for emotion in self._emotions.values() if emotion.parts),
            "problem",
        )

    def rows(self, image: ImagePredictions) -> Iterator[Row]:
        """Yield an image's rows, with None for missing values."""
        shown = image.shown
        position = {
            "source": shown.source,
            "frame": shown.frame or None,
            "time": None if math.isnan(shown.time) else round(shown.time, 6),
        }
        empty: Row = dict.fromkeys(self.columns)
        if not image.faces:
            yield {**empty, **position, "face": 0, "problem": image.problem}
        for number, prediction in enumerate(image.faces, start=1):
            yield {
                **empty,
                **position,
                **_face_cells(number, prediction),
                **self._output_cells(prediction),
                "problem": "",
            }

    def _output_cells(self, prediction: FacePrediction) -> Row:
        cells: Row = {facs.label(unit): float(prediction.probabilities[unit - 1]) for unit in self._units}
        cells |= {
            f"{facs.label(unit)}_intensity": float(prediction.intensities[unit - 1]) for unit in self._intensity_units
        }
        if self._neutral is not None:
            changes = prediction.probabilities - self._neutral
            cells |= {f"{facs.label(unit)}_change": float(changes[unit - 1]) for unit in self._units}
        if self._has_affect:
            cells |= {"valence": float(prediction.affect[0]), "arousal": float(prediction.affect[1])}
        if self._emotions:
            cells |= self._emotion_cells(prediction)
        return cells

    def _emotion_cells(self, prediction: FacePrediction) -> Row:
        outputs = prediction.probabilities[np.newaxis], prediction.intensities[np.newaxis]
        levels = predicted_levels(*outputs, self.thresholds)
        found = shares(self._emotions, levels).items()
        share_of = {self._emotions[name].column: float(share[0]) for name, share in found}
        (name,) = name_emotions(self._emotions, levels)
        return {"emotion": name, **{key: None if math.isnan(share) else share for key, share in share_of.items()}}


def _face_cells(number: int, prediction: FacePrediction) -> Row:
    face = prediction.face
    if face is None:
        return {"face": number, "crop": prediction.crop}
    left, top, width, height = face.box
    box = {"left": left, "top": top, "width": width, "height": height}
    return {"face": number, "face_score": face.score, **box, "turn": face.turn, "crop": prediction.crop}


@contextmanager
def open_writer(out: Path | None, columns: Iterable[str]) -> Iterator[Callable[[Row], object]]:
    """Yield a function that writes a row.

    Args:
        out: A ``.csv``, ``.json`` or ``.parquet`` file, which is replaced atomically; None writes CSV to standard
            output.
        columns: The table's columns.

    Raises:
        UserError: ``out`` has another suffix.
    """
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # file names need not be UTF-8
        yield _csv(sys.stdout, list(columns))
        return
    if out.suffix.lower() == ".parquet":
        with row_writer(out, _schema(columns)) as write_row:
            yield lambda row: write_row({name: _in_utf8(_rounded(name, row[name])) for name in row})
        return
    if out.suffix.lower() not in (".csv", ".json"):
        raise UserError(f"{out} is none of .csv, .json and .parquet; choose one of these.")
    with (
        atomic_write(out) as partial,
        partial.open("w", encoding="utf-8", newline="", errors="surrogateescape") as stream,
    ):
        if out.suffix.lower() == ".csv":
            yield _csv(stream, list(columns))
            return
        separator = "[\n"

        def write(row: Row) -> None:
            nonlocal separator
            stream.write(separator + json.dumps({name: _rounded(name, value) for name, value in row.items()}))
            separator = ",\n"

        yield write
        stream.write("\n]\n" if separator == ",\n" else "[]\n")


def _schema(columns: Iterable[str]) -> pa.Schema:
    import pyarrow as pa

    types = dict.fromkeys(_TEXTS, pa.string()) | dict.fromkeys(_INTEGERS, pa.int32())
    return pa.schema([(name, types.get(name, pa.float64())) for name in columns])


def _csv(stream: IO[str], columns: list[str]) -> Callable[[Row], object]:
    write_cells = csv_writer(stream)
    write_cells(columns)

    def write(row: Row) -> None:
        write_cells(["" if row[name] is None else _rounded(name, row[name]) for name in columns])

    return write


def _rounded(name: str, value: Any) -> Any:
    """Round a model's float32 outputs to six significant digits; times are not outputs."""
    return float(f"{value:.6g}") if isinstance(value, float) and name != "time" else value


def _in_utf8(value: Any) -> Any:
    """Return a text with a backslash in place of each byte of a file name that is not UTF-8, which Arrow refuses."""
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
