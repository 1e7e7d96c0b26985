"""The tables of predictions that other programs write, recognized by their columns.

The columns are those that each program documents or writes: OpenFace 2 (its wiki, "Output format": of videos, and of
images by FaceLandmarkImg), OpenFace 3 (the demo of its package), py-feat ("Fex" tables), LibreFace (``libreface``'s
``save_facial_attributes_video`` and ``..._image``), ``affectflow predict``, and a table of affectflow's own for
everything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

import numpy as np

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.facs.emotions import parse_expression
from affectflow.tables.cells import is_missing, parse_number

PROBABILITY, INTENSITY, AFFECT = "probability", "intensity", "affect"
DIMENSIONS = ("valence", "arousal")
OWN = "a table of predictions"
EXPECTED = (
    "columns video and frame (from 1), or image, and AU1 (a probability), AU1_intensity (0 to 5), valence, "
    "arousal or expression; or the output of affectflow predict, OpenFace 2 or 3, py-feat or LibreFace"
)
_OPENFACE_3_UNITS = (1, 2, 4, 6, 9, 12, 25, 26)
"""The AUs of its outputs in order: DISFA's eight, which it was trained on (Hu et al., "OpenFace 3.0", FG 2025)."""
_OPENFACE_COLUMN = re.compile(r"(AU\d\d)_([rc])")
_INTENSITY_COLUMN = re.compile(r"(.+)_intensity", re.IGNORECASE)
_OF_PLACES = {"video", "video_path", "image", "image_path", "input_image_path", "input", "source"}
_OF_FRAMES = {"frame", "frame_index", "frame_idx", "frame_time_in_ms"}
_OF_FACES = {"success", "confidence", "face", "facescore", "face_id", "crop", "problem"}
_PYFEAT_EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_OF_EXPRESSIONS = {"expression", "emotion", "facial_expression", *_PYFEAT_EMOTIONS}
_KEYS = {*_OF_PLACES, *_OF_FRAMES, *_OF_FACES, "action_units", *DIMENSIONS, *_OF_EXPRESSIONS}


class Place(NamedTuple):
    """The name or path of a video, subject or image that a row is of, and the frame as counted; None for an image."""

    name: str
    frame: int | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """How the rows of a file are read.

    Attributes:
        program: that writes the format.
        columns: kind of value and its index, by column.
        place: of a row.
        first_frame: The number of the first frame; None where it is 1, but for files that hold a frame 0.
        face_score: of a row, None for a row without a face.
        several_faces: whether a frame may have several rows; the row with the highest face score is used, the first
            of equals.
        split_cells: makes columns of a cell that holds several numbers.
        expression: of a row, one of :data:`affectflow.facs.emotions.EXPRESSIONS`; empty without one.
    """

    program: str
    columns: Mapping[str, tuple[str, int]]
    place: Callable[[Mapping[str, str]], Place]
    face_score: Callable[[Mapping[str, str]], float | None]
    first_frame: int | None = None
    several_faces: bool = True
    split_cells: Callable[[Mapping[str, str]], Mapping[str, str]] = dict
    expression: Callable[[Mapping[str, str]], str] = lambda row: ""


def _expression_in(column: str, any_words: bool) -> Callable[[Mapping[str, str]], str]:
    """Return a function that reads the expression in a column of a row.

    Args:
        column: Name of the column, which may be missing.
        any_words: Whether the column may hold other words, which are no expression; otherwise they are a mistake.
    """

    def read(row: Mapping[str, str]) -> str:
        cell = next((text for name, text in row.items() if name.lower() == column), "")
        try:
            return "" if is_missing(cell) else parse_expression(cell)
        except ValueError:
            if any_words:
                return ""
            raise

    return read


def _most_likely(row: Mapping[str, str]) -> str:
    """Return the expression of the greatest of py-feat's probabilities."""
    found = {name: parse_number(row[name]) for name in _PYFEAT_EMOTIONS if name in row and not is_missing(row[name])}
    return parse_expression(max(found, key=lambda name: found[name])) if found else ""


def is_known_column(name: str) -> bool:
    """Return whether a column has a prediction, or says what it is of, in any format."""
    return name.lower() in _KEYS or _OPENFACE_COLUMN.fullmatch(name) is not None or bool(_unit_columns([name]))


def recognize(path: Path, header: Sequence[str]) -> Format:
    """Return the format of a file.

    Args:
        path: The file, whose name some formats take for that of the video or image.
        header: Names of its columns.

    Raises:
        UserError: No format has such columns.
    """
    names = set(header)
    has_openface_units = any(_OPENFACE_COLUMN.fullmatch(name) for name in header)
    if {"frame", "success"} <= names and has_openface_units:
        return _openface_2(path, header)
    if {"face", "confidence"} <= names and "frame" not in names and has_openface_units:
        return _openface_2_images(path, header)
    if {"frame", "FaceScore", "input"} <= names:
        return _pyfeat(header)
    if {"source", "face", "crop", "problem"} <= names:
        return _predict_table(header)
    if {"face_id", "action_units"} <= names and ({"video_path", "frame_index"} <= names or "image_path" in names):
        return _openface_3()
    if {"frame_idx", "frame_time_in_ms"} <= names:
        return _libreface(header, lambda row: Place(path.name, whole(row["frame_idx"])))
    if "input_image_path" in names:
        return _libreface(header, lambda row: Place(row["input_image_path"]))
    if not (names & {"video", "image"}) or ("video" in names and "frame" not in names):
        raise UserError(f"{path} has the columns {', '.join(header[:6])[:80]} …; expected {EXPECTED}.")
    return _own_table(path, header)


def whole(cell: str) -> int:
    """Return the whole number in a cell, also one written as 3.0; raise ``ValueError`` for another cell."""
    value = parse_number(cell)
    if not value.is_integer():
        raise ValueError(f"{cell!r} is not a whole number")
    return int(value)


def _openface_columns(header: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return OpenFace's columns: _c is presence, 0 or 1, _r intensity, 0 to 5."""
    kinds = {"c": PROBABILITY, "r": INTENSITY}
    matches = ((name, _OPENFACE_COLUMN.fullmatch(name)) for name in header)
    return {name: (kinds[m[2]], int(m[1][2:]) - 1) for name, m in matches if m and 0 < int(m[1][2:]) <= facs.COUNT}


def _openface_2(path: Path, header: Sequence[str]) -> Format:
    """Read one file a video, named after it; frames from 1."""
    return Format(
        "OpenFace 2",
        _openface_columns(header),
        place=lambda row: Place(path.name, whole(row["frame"])),
        face_score=lambda row: _score(row.get("confidence", "1")) if parse_number(row["success"]) > 0 else None,
    )


def _openface_2_images(path: Path, header: Sequence[str]) -> Format:
    """Read one file an image, named after it, with a row for each face."""
    return Format(
        "OpenFace 2",
        _openface_columns(header),
        place=lambda row: Place(path.name),
        face_score=lambda row: _score(row["confidence"]),
    )


def _pyfeat(header: Sequence[str]) -> Format:
    """Read probabilities; ``input`` names the video or image; frames from 0; rows without a face are empty."""

    def place(row: Mapping[str, str]) -> Place:
        name = row["input"]
        is_image = (guess_type(name, strict=False)[0] or "").startswith("image/")
        return Place(name) if is_image else Place(name, whole(row["frame"]))

    columns = {name: (kind, index) for name, (kind, index) in _unit_columns(header).items() if kind == PROBABILITY}
    return Format(
        "py-feat",
        columns | _affect_columns(header),
        place,
        lambda row: _score(row["FaceScore"]),
        first_frame=0,
        expression=_most_likely,
    )


def _openface_3() -> Format:
    """Read eight values from 0 to 1 in one cell; frames from 0; the program writes no face score."""

    def split_cells(row: Mapping[str, str]) -> Mapping[str, str]:
        if is_missing(row["action_units"]):
            return row
        written = re.sub(r"\bnan\b", "NaN", row["action_units"], flags=re.IGNORECASE)
        values = np.array(json.loads(written), np.float64).ravel()
        if values.size != len(_OPENFACE_3_UNITS):
            raise ValueError(f"{values.size} values")
        return {**row, **{facs.label(unit): str(value) for unit, value in zip(_OPENFACE_3_UNITS, values, strict=True)}}

    def place(row: Mapping[str, str]) -> Place:
        if "video_path" in row:
            return Place(row["video_path"], whole(row["frame_index"]))
        return Place(row["image_path"])

    return Format(
        "OpenFace 3",
        {facs.label(unit): (PROBABILITY, unit - 1) for unit in _OPENFACE_3_UNITS},
        place,
        face_score=lambda row: None if is_missing(row["action_units"]) else 1.0,
        first_frame=0,
        split_cells=split_cells,
    )


def _libreface(header: Sequence[str], place: Callable[[Mapping[str, str]], Place]) -> Format:
    """Read au_1, which is presence, 0 or 1, and au_1_intensity, 0 to 5; frames of videos from 0."""
    columns = _unit_columns(name for name in header if name.lower().startswith("au"))
    return Format(
        "LibreFace",
        columns,
        place,
        face_score=lambda row: None if all(is_missing(row[name]) for name in columns) else 1.0,
        first_frame=0,
        several_faces=False,
        expression=_expression_in("facial_expression", any_words=True),
    )


def _predict_table(header: Sequence[str]) -> Format:
    """Read a table of ``affectflow predict``: faces from 1, the most prominent first, 0 without one."""

    def place(row: Mapping[str, str]) -> Place:
        return Place(row["source"], None if is_missing(row["frame"]) else whole(row["frame"]))

    return Format(
        "affectflow predict",
        _unit_columns(header) | _affect_columns(header),
        place,
        face_score=lambda row: -float(row["face"]) or None,
        expression=_expression_in("emotion", any_words=True),
    )


def _own_table(path: Path, header: Sequence[str]) -> Format:
    """Read ``image``, or ``video`` and ``frame``, and AU1, AU1_intensity, valence and arousal."""
    columns = _unit_columns(header) | _affect_columns(header)
    if not columns and "expression" not in map(str.lower, header):
        raise UserError(f"{path} has no column of action units, valence, arousal or expression; expected {EXPECTED}.")

    def place(row: Mapping[str, str]) -> Place:
        return Place(row["image"]) if "video" not in row else Place(row["video"], whole(row["frame"]))

    return Format(
        OWN,
        columns,
        place,
        face_score=lambda row: 1.0,
        several_faces=False,
        expression=_expression_in("expression", any_words=False),
    )


def _score(cell: str) -> float | None:
    """Return a face's score, None where it is missing or 0."""
    score = parse_number(cell)
    return score if score > 0 else None


def _affect_columns(header: Sequence[str]) -> dict[str, tuple[str, int]]:
    return {name: (AFFECT, DIMENSIONS.index(name.lower())) for name in header if name.lower() in DIMENSIONS}


def _unit_columns(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    columns: dict[str, tuple[str, int]] = {}
    for name in names:
        intensity = _INTENSITY_COLUMN.fullmatch(name)
        unit = facs.parse_label(intensity[1] if intensity else name)
        if unit is not None:
            columns[name] = (INTENSITY if intensity else PROBABILITY, unit - 1)
    return columns
