"""Predictions of other programs, read from the files that these programs write.

The columns are those that each program documents or writes: OpenFace 2 (its wiki, "Output format"), OpenFace 3 (the
demo of its package), py-feat ("Fex" tables), LibreFace (the page of its package), ``affectflow predict``, and a table
of affectflow's own for everything else. The columns of a file decide which format it has.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, visible
from affectflow.datasets.sample import Sample
from affectflow.prediction.columns import LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA, label_fields
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from affectflow.tables.text import open_text

WITHOUT_PREDICTION = "frame without a prediction"
WITHOUT_LABEL = "prediction without a labelled frame"
_WITHOUT_FACE = "prediction without a face"
_OTHER_FACE = "prediction of another face in the same frame"
PROBABILITY, INTENSITY, AFFECT = "probability", "intensity", "affect"
_RANGES = {PROBABILITY: (0.0, 1.0), INTENSITY: (0.0, 5.0), AFFECT: (-1.0, 1.0)}
_ROUNDING = 1e-5
"""How far beyond its range a value of a program that computes in single precision may be."""
_DIMENSIONS = ("valence", "arousal")
_OPENFACE_3_UNITS = (1, 2, 4, 6, 9, 12, 25, 26)
"""The AUs of its outputs in order: DISFA's eight, which it was trained on (Hu et al., "OpenFace 3.0", FG 2025)."""
_OPENFACE_COLUMN = re.compile(r"(AU\d\d)_([rc])")
_INTENSITY_COLUMN = re.compile(r"(.+)_intensity", re.IGNORECASE)
_EXPECTED = (
    "columns video and frame (from 1), or image, and AU1 (a probability), AU1_intensity (0 to 5), valence or "
    "arousal; or the output of affectflow predict, OpenFace 2 or 3, py-feat or LibreFace"
)

Key = tuple[str, int]
"""A video, subject or image in lower case, without folder and file extension, and the frame from 1; 0 for an image."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one frame, NaN where there is none; ``probabilities`` and ``intensities`` are [60], by AU."""

    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class ExternalPredictions:
    """All predictions of a file or folder by key; ``left_out`` counts rows without a usable prediction, by reason."""

    program: str
    by_key: dict[Key, Prediction] = field(repr=False)
    left_out: Counter[str]


@dataclass(frozen=True, slots=True)
class _Format:
    """How the rows of a file are read.

    Attributes:
        program: that writes the format.
        columns: kind of value and its index, by column.
        key: of a row's frame.
        face_score: of a row, None for a row without a face.
        several_faces: whether a frame may have several rows; the row with the highest face score is used, the first
            of equals.
        split_cells: makes columns of a cell that holds several numbers.
    """

    program: str
    columns: Mapping[str, tuple[str, int]]
    key: Callable[[Mapping[str, str]], Key]
    face_score: Callable[[Mapping[str, str]], float | None]
    several_faces: bool
    split_cells: Callable[[Mapping[str, str]], Mapping[str, str]] = dict


def read_predictions(path: Path) -> ExternalPredictions:
    """Read the predictions of a CSV file, or of all CSV files in a folder.

    Raises:
        UserError: naming file and line, for columns of no known program, values that are not numbers or out of range,
            and frames that occur twice.
    """
    files = visible(path, ".csv") if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} holds no .csv file; name the folder of the predictions.")
    by_key: dict[Key, Prediction] = {}
    left_out: Counter[str] = Counter()
    programs = {_read_file(file, by_key, left_out) for file in files}
    return ExternalPredictions(" and ".join(sorted(programs)), by_key, left_out)


@dataclass(frozen=True, slots=True)
class Joined:
    """How many frames have a label and a prediction, and what does not, by reason; of frames also by video."""

    frames: int
    left_out: Counter[str]
    without_prediction: Counter[str]


def join_with_labels(dataset: Dataset, predictions: ExternalPredictions, out: Path, left_out: Path) -> Joined:
    """Write a table of predictions for the labelled frames of a data set.

    A frame is matched by the name of its video, of its subject or, for images, of its image.

    Args:
        dataset: whose labels are used.
        predictions: by frame.
        out: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        left_out: CSV that counts the frames without a prediction or a label.

    Raises:
        UserError: no frame has a prediction.
    """
    counts: Counter[str] = Counter()
    of_video: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, Any]]:
        for sample in dataset.samples():
            prediction = _prediction_of(sample, predictions)
            if prediction is None:
                counts[WITHOUT_PREDICTION] += 1
                of_video[sample.video or sample.source] += 1
                continue
            yield {
                **label_fields(sample),
                "probabilities": prediction.probabilities,
                "predicted_intensities": prediction.intensities,
                "predicted_valence": prediction.valence,
                "predicted_arousal": prediction.arousal,
                "crop": "",
            }

    found = write_parquet(out, PREDICTIONS_SCHEMA, rows())
    if not found:
        names = sorted({name for name, _ in predictions.by_key})
        raise UserError(
            f"No prediction is of a frame of {dataset.name}; they are of {', '.join(names[:3])[:80]} …, but its videos "
            "and subjects have other names. Name the files or the column video after them."
        )
    everything = counts + dataset.left_out
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted(everything.items()))
    return Joined(found, everything, of_video)


def _prediction_of(sample: Sample, predictions: ExternalPredictions) -> Prediction | None:
    names = (sample.video, sample.subject) if sample.frame else (sample.source,)
    keys = (_key_of(name, sample.frame) for name in names if name)
    return next((predictions.by_key[key] for key in keys if key in predictions.by_key), None)


def _key_of(name: str, frame: int = 0) -> Key:
    """Return the key of a frame by the name or path of its video, subject or image."""
    return PurePosixPath(name.replace("\\", "/")).stem.lower(), frame


def _read_file(path: Path, by_key: dict[Key, Prediction], left_out: Counter[str]) -> str:
    """Add the predictions of a file; returns the program that wrote it."""
    face_scores: dict[Key, float] = {}
    with open_text(path) as stream:
        reader = csv.reader(stream)
        header = [name.strip() for name in next(reader, [])]
        layout = _recognize(path, header)
        for cells in reader:
            if not cells:
                continue
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(header):
                raise UserError(f"{where}: {len(cells)} cells under {len(header)} columns; correct this line.")
            row: Mapping[str, str] = dict(zip(header, cells, strict=True))
            try:
                row = layout.split_cells(row)
                face_score, key = layout.face_score(row), layout.key(row)
            except (ValueError, OverflowError):
                raise UserError(f"{where}: the frame or the face cannot be read; correct this line.") from None
            if face_score is None:
                left_out[_WITHOUT_FACE] += 1
                continue
            if key in by_key:
                if not layout.several_faces or key not in face_scores:
                    raise UserError(f"{where}: frame {key[1]} of {key[0]!r} occurs twice; remove one of its rows.")
                left_out[_OTHER_FACE] += 1
                if face_score <= face_scores[key]:
                    continue
            face_scores[key] = face_score
            by_key[key] = _parse_row(where, row, layout.columns)
    return layout.program


def _parse_row(where: str, row: Mapping[str, str], columns: Mapping[str, tuple[str, int]]) -> Prediction:
    values = {kind: np.full(facs.COUNT, np.nan, np.float32) for kind in (PROBABILITY, INTENSITY, AFFECT)}
    for name, (kind, index) in columns.items():
        text = row[name].strip()
        if not text:
            continue
        low, high = _RANGES[kind]
        try:
            value = float(text)
        except ValueError:
            raise UserError(f"{where}: {name} is {text[:40]!r}, not a number; correct it.") from None
        if not math.isnan(value) and not low - _ROUNDING <= value <= high + _ROUNDING:
            raise UserError(f"{where}: {name} is {text[:40]}, outside {low:g} to {high:g}; correct it.")
        values[kind][index] = min(max(value, low), high)
    return Prediction(values[PROBABILITY], values[INTENSITY], *(float(value) for value in values[AFFECT][:2]))


def _recognize(path: Path, header: Sequence[str]) -> _Format:
    """Return the format that has the columns of ``header``."""
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{path} has the column {twice!r} twice; remove one of them.")
    names = set(header)
    if {"frame", "success"} <= names and any(_OPENFACE_COLUMN.fullmatch(name) for name in header):
        return _openface_2(path, header)
    if {"frame", "FaceScore", "input"} <= names:
        return _pyfeat(header)
    if {"source", "face", "crop", "problem"} <= names:
        return _predict_table(header)
    if {"face_id", "action_units"} <= names and ({"video_path", "frame_index"} <= names or "image_path" in names):
        return _openface_3()
    if {"frame_idx", "frame_time_in_ms"} <= names:
        return _libreface(path, header)
    if not (names & {"video", "image"}) or ("video" in names and "frame" not in names):
        raise UserError(f"{path} has the columns {', '.join(header[:6])[:80]} …; expected {_EXPECTED}.")
    return _own_table(path, header)


def _openface_2(path: Path, header: Sequence[str]) -> _Format:
    """Read one file a video, named after it; _c is presence, 0 or 1, _r intensity, 0 to 5; frames from 1."""
    matches = ((name, _OPENFACE_COLUMN.fullmatch(name)) for name in header)
    kinds = {"c": PROBABILITY, "r": INTENSITY}
    columns = {name: (kinds[m[2]], int(m[1][2:]) - 1) for name, m in matches if m and int(m[1][2:]) <= facs.COUNT}
    return _Format(
        "OpenFace 2",
        columns,
        key=lambda row: _key_of(path.name, int(float(row["frame"]))),
        face_score=lambda row: float(row.get("confidence", "1")) if float(row["success"]) else None,
        several_faces=True,
    )


def _pyfeat(header: Sequence[str]) -> _Format:
    """Read probabilities; ``input`` names the video or image; frames from 0; rows without a face are empty."""
    columns = {
        name: (PROBABILITY, unit - 1) for name in header if (unit := facs.parse_label(name)) and unit <= facs.COUNT
    }

    def face_score(row: Mapping[str, str]) -> float | None:
        score = float(row["FaceScore"] or "nan")
        return None if math.isnan(score) or score == 0 else score

    def key(row: Mapping[str, str]) -> Key:
        name = row["input"]
        is_image = (guess_type(name, strict=False)[0] or "").startswith("image/")
        return _key_of(name) if is_image else _key_of(name, int(float(row["frame"])) + 1)

    return _Format("py-feat", columns, key, face_score, several_faces=True)


def _openface_3() -> _Format:
    """Read eight values from 0 to 1 in one cell; frames from 0; the program writes no face score."""

    def split_cells(row: Mapping[str, str]) -> Mapping[str, str]:
        if not row["action_units"].strip():
            return row
        values = np.array(json.loads(row["action_units"]), np.float64).ravel()
        if values.size != len(_OPENFACE_3_UNITS):
            raise ValueError(f"{values.size} values")
        return {**row, **{facs.label(unit): str(value) for unit, value in zip(_OPENFACE_3_UNITS, values, strict=True)}}

    def key(row: Mapping[str, str]) -> Key:
        if "video_path" in row:
            return _key_of(row["video_path"], int(row["frame_index"]) + 1)
        return _key_of(row["image_path"])

    return _Format(
        "OpenFace 3",
        {facs.label(unit): (PROBABILITY, unit - 1) for unit in _OPENFACE_3_UNITS},
        key,
        face_score=lambda row: 1.0 if row["action_units"].strip() else None,
        several_faces=True,
        split_cells=split_cells,
    )


def _libreface(path: Path, header: Sequence[str]) -> _Format:
    """Read one file a video, named after it; au_1 is presence, 0 or 1, au_1_intensity 0 to 5; frames from 0."""
    columns = _unit_columns(name for name in header if name.lower().startswith("au"))
    return _Format(
        "LibreFace",
        columns,
        key=lambda row: _key_of(path.name, int(float(row["frame_idx"])) + 1),
        face_score=lambda row: 1.0 if any(row[name].strip() for name in columns) else None,
        several_faces=False,
    )


def _predict_table(header: Sequence[str]) -> _Format:
    """Read a table of ``affectflow predict``: faces from 1, the most prominent first, 0 without one."""
    columns = _unit_columns(header)
    columns |= {name: (AFFECT, _DIMENSIONS.index(name)) for name in header if name in _DIMENSIONS}

    def key(row: Mapping[str, str]) -> Key:
        return _key_of(row["source"], int(row["frame"] or 0))

    def face_score(row: Mapping[str, str]) -> float | None:
        return -float(row["face"]) or None

    return _Format("affectflow predict", columns, key, face_score, several_faces=True)


def _own_table(path: Path, header: Sequence[str]) -> _Format:
    """Read ``image``, or ``video`` and ``frame`` from 1, and AU1, AU1_intensity, valence and arousal."""
    columns = _unit_columns(header)
    columns |= {name: (AFFECT, _DIMENSIONS.index(name.lower())) for name in header if name.lower() in _DIMENSIONS}
    if not columns:
        raise UserError(f"{path} has no column of action units, valence or arousal; expected {_EXPECTED}.")

    def key(row: Mapping[str, str]) -> Key:
        return _key_of(row["image"]) if "video" not in row else _key_of(row["video"], int(row["frame"]))

    return _Format("a table of predictions", columns, key, face_score=lambda row: 1.0, several_faces=False)


def _unit_columns(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    columns = {}
    for name in names:
        intensity = _INTENSITY_COLUMN.fullmatch(name)
        unit = facs.parse_label(intensity[1] if intensity else name)
        if unit is not None and unit <= facs.COUNT:
            columns[name] = (INTENSITY if intensity else PROBABILITY, unit - 1)
    return columns
