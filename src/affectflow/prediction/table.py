"""Predictions as rows: one for each face, and one for each image without a face."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.facs.emotions import Emotion
from affectflow.facs.expression import name_emotions, predicted_levels, shares
from affectflow.prediction.predictor import Predicted, Reading
from affectflow.tables.csv_files import csv_writer

_PLACE = ("face", "face_score", "left", "top", "width", "height", "crop")
Row = dict[str, Any]


class Table:
    """Columns of a model's predictions; emotions only where it knows AUs."""

    def __init__(self, card: Mapping[str, Any], emotions: Mapping[str, Emotion]) -> None:
        heads = card["heads"]
        self._units = card["units"] if "action_units" in heads else []
        self._intensity_units = card["intensity_units"] if "intensities" in heads else []
        self._affect = "valence_arousal" in heads
        self._emotions = emotions if self._units or self._intensity_units else {}
        self.columns: tuple[str, ...] = (
            *("source", "frame", "time", *_PLACE),
            *map(facs.label, self._units),
            *(f"{facs.label(unit)}_intensity" for unit in self._intensity_units),
            *(("valence", "arousal") if self._affect else ()),
            *(("emotion",) if self._emotions else ()),
            *(name.lower() for name, emotion in self._emotions.items() if emotion.parts),
            "problem",
        )

    def rows(self, one: Predicted) -> Iterator[Row]:
        """An image's rows; None for what there is not."""
        shown = one.shown
        where = {
            "source": shown.source,
            "frame": shown.frame or None,
            "time": None if math.isnan(shown.time) else round(shown.time, 6),
        }
        nothing: Row = dict.fromkeys(self.columns)
        if not one.readings:
            yield {**nothing, **where, "face": 0, "problem": one.problem}
        for number, reading in enumerate(one.readings, start=1):
            yield {**nothing, **where, **_place(number, reading), **self._said(reading), "problem": ""}

    def _said(self, reading: Reading) -> Row:
        said: Row = {facs.label(unit): float(reading.probabilities[unit - 1]) for unit in self._units}
        said |= {
            f"{facs.label(unit)}_intensity": float(reading.intensities[unit - 1]) for unit in self._intensity_units
        }
        if self._affect:
            said |= {"valence": float(reading.affect[0]), "arousal": float(reading.affect[1])}
        if self._emotions:
            said |= self._emotion(reading)
        return said

    def _emotion(self, reading: Reading) -> Row:
        levels = predicted_levels(reading.probabilities[np.newaxis], reading.intensities[np.newaxis])
        of_each = {name.lower(): float(share[0]) for name, share in shares(self._emotions, levels).items()}
        (name,) = name_emotions(self._emotions, levels)
        return {"emotion": name, **{key: None if math.isnan(share) else share for key, share in of_each.items()}}


def _place(number: int, reading: Reading) -> Row:
    face = reading.face
    if face is None:
        return {"face": number, "crop": reading.crop}
    left, top, width, height = face.box
    place = {"left": left, "top": top, "width": width, "height": height}
    return {"face": number, "face_score": face.score, **place, "crop": reading.crop}


@contextmanager
def writer(out: Path | None, columns: Iterable[str]) -> Iterator[Callable[[Row], object]]:
    """A function that writes a row, to a CSV or JSON file, or as CSV to standard output.

    Raises :class:`UserError` for another ending; a file appears whole or not at all.
    """
    if out is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="surrogateescape")  # file names need not be UTF-8
        yield _csv(sys.stdout, list(columns))
        return
    if out.suffix.lower() not in (".csv", ".json"):
        raise UserError(f"{out} is neither a .csv nor a .json file; name one of these.")
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


def _csv(stream: IO[str], columns: list[str]) -> Callable[[Row], object]:
    write_row = csv_writer(stream)
    write_row(columns)

    def write(row: Row) -> None:
        write_row(["" if row[name] is None else _rounded(name, row[name]) for name in columns])

    return write


def _rounded(name: str, value: Any) -> Any:
    """Six significant digits, which is all that a model's float32 has; times are not the model's."""
    return float(f"{value:.6g}") if isinstance(value, float) and name != "time" else value
