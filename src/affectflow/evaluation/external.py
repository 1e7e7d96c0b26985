"""What others' programs say of images and frames, read from the files that they write.

Columns as the programs document or write them: OpenFace 2 (its wiki, "Output format"), OpenFace 3 (its package's demo),
py-feat ("Fex" tables), LibreFace (its package's page), and one layout of our own for everything else. Which one a file
has is told by its columns.
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
from affectflow.tables.csv_files import open_text, write_csv
from affectflow.tables.parquet import write_parquet

Key = tuple[str, int]
"""A video, subject or image in lower case and without folder or ending, and the frame from 1; 0 for an image."""

PROBABILITY, INTENSITY, AFFECT = "probability", "intensity", "affect"
_RANGES = {PROBABILITY: (0.0, 1.0), INTENSITY: (0.0, 5.0), AFFECT: (-1.0, 1.0)}
_ROUNDING = 1e-5  # of programs that compute in single precision
_DIMENSIONS = ("valence", "arousal")
_OPENFACE_3 = (1, 2, 4, 6, 9, 12, 25, 26)
"""The order of its outputs: DISFA's eight, which it was trained on (Hu et al., "OpenFace 3.0", FG 2025)."""
_OPENFACE = re.compile(r"(AU\d\d)_([rc])")
_OWN_INTENSITY = re.compile(r"(.+)_intensity", re.IGNORECASE)
EXPECTED = (
    "columns video and frame (from 1), or image, and AU1 (a probability), AU1_intensity (0 to 5), valence or "
    "arousal; or the output of OpenFace 2 or 3, py-feat or LibreFace"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """``probabilities`` and ``intensities`` float32 [60], valence and arousal; NaN where nothing is said."""

    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    valence: float
    arousal: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything a file or folder says, by key; ``left_out`` counts rows that say nothing, by reason."""

    program: str
    by_key: dict[Key, Answer] = field(repr=False)
    left_out: Counter[str]


@dataclass(frozen=True, slots=True)
class _Form:
    """How the rows of a file are read: what of each column, which image a row is of, and how sure it is of a face.

    ``face`` gives None for a row without a face. Of several rows for one frame the surest counts, where ``several``;
    the first of equals. ``spread`` makes a row of a cell that holds several numbers.
    """

    program: str
    columns: Mapping[str, tuple[str, int]]
    key: Callable[[Mapping[str, str]], Key]
    face: Callable[[Mapping[str, str]], float | None]
    several: bool
    spread: Callable[[Mapping[str, str]], Mapping[str, str]] = dict


def key_of(name: str, frame: int = 0) -> Key:
    """The key of a video, subject or image by its name or path."""
    return PurePosixPath(name.replace("\\", "/")).stem.lower(), frame


def read_answers(path: Path) -> Answers:
    """Read a CSV, or all CSVs of a folder.

    Raises :class:`UserError` with file and line for columns that no program writes, values that are no numbers or out
    of range, and frames that occur twice.
    """
    files = visible(path, ".csv") if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} holds no .csv file; name the folder of the predictions.")
    answers = Answers("", {}, Counter())
    programs = set()
    for file in files:
        programs.add(_read(file, answers))
    return Answers(" and ".join(sorted(programs)), answers.by_key, answers.left_out)


def _read(path: Path, into: Answers) -> str:
    surest: dict[Key, float] = {}
    with open_text(path) as stream:
        reader = csv.reader(stream)
        header = [name.strip() for name in next(reader, [])]
        form = _recognize(path, header)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(
                    f"{path}, line {reader.line_num}: {len(cells)} cells under {len(header)} columns; mend this line."
                )
            row: Mapping[str, str] = dict(zip(header, cells, strict=True))
            where = f"{path}, line {reader.line_num}"
            try:
                row = form.spread(row)
                sure, key = form.face(row), form.key(row)
            except (ValueError, OverflowError):
                raise UserError(f"{where}: the frame or the face cannot be read; mend this line.") from None
            if sure is None:
                into.left_out["prediction without a face"] += 1
                continue
            if key in into.by_key:
                if not form.several or key not in surest:
                    raise UserError(f"{where}: frame {key[1]} of {key[0]!r} occurs twice; remove one of its rows.")
                into.left_out["prediction of another face in the same frame"] += 1
                if sure <= surest[key]:
                    continue
            surest[key] = sure
            into.by_key[key] = _answer(where, row, form.columns)
    return form.program


def _answer(where: str, row: Mapping[str, str], columns: Mapping[str, tuple[str, int]]) -> Answer:
    found = {kind: np.full(facs.COUNT, np.nan, np.float32) for kind in (PROBABILITY, INTENSITY, AFFECT)}
    for name, (kind, place) in columns.items():
        text = row[name].strip()
        if not text:
            continue
        low, high = _RANGES[kind]
        try:
            value = float(text)
        except ValueError:
            raise UserError(f"{where}: {name} is {text[:40]!r}, not a number; mend it.") from None
        if not math.isnan(value) and not low - _ROUNDING <= value <= high + _ROUNDING:
            raise UserError(f"{where}: {name} is {text[:40]}, outside {low:g} to {high:g}; mend it.")
        found[kind][place] = min(max(value, low), high)
    return Answer(found[PROBABILITY], found[INTENSITY], *(float(value) for value in found[AFFECT][:2]))


def _recognize(path: Path, header: Sequence[str]) -> _Form:
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{path} has the column {twice!r} twice; remove one of them.")
    names = set(header)
    if {"frame", "success"} <= names and any(_OPENFACE.fullmatch(name) for name in header):
        return _openface(path, header)
    if {"frame", "FaceScore", "input"} <= names:
        return _pyfeat(header)
    if {"face_id", "action_units"} <= names and ({"video_path", "frame_index"} <= names or "image_path" in names):
        return _openface_3()
    if {"frame_idx", "frame_time_in_ms"} <= names:
        return _libreface(path, header)
    if not (names & {"video", "image"}) or ("video" in names and "frame" not in names):
        raise UserError(f"{path} has the columns {', '.join(header[:6])[:80]} …; expected {EXPECTED}.")
    return _own(path, header)


def _openface(path: Path, header: Sequence[str]) -> _Form:
    """One file a video, named after it; _c is presence, 0 or 1, _r intensity, 0 to 5; frames from 1."""
    matches = ((name, _OPENFACE.fullmatch(name)) for name in header)
    kinds = {"c": PROBABILITY, "r": INTENSITY}
    columns = {name: (kinds[m[2]], int(m[1][2:]) - 1) for name, m in matches if m and int(m[1][2:]) <= facs.COUNT}
    return _Form(
        "OpenFace 2",
        columns,
        key=lambda row: key_of(path.name, int(float(row["frame"]))),
        face=lambda row: float(row.get("confidence", "1")) if float(row["success"]) else None,
        several=True,
    )


def _pyfeat(header: Sequence[str]) -> _Form:
    """``input`` names the video or the image; probabilities; frames from 0; rows without a face are empty."""
    columns = {
        name: (PROBABILITY, unit - 1) for name in header if (unit := facs.parse_label(name)) and unit <= facs.COUNT
    }

    def face(row: Mapping[str, str]) -> float | None:
        score = float(row["FaceScore"] or "nan")
        return None if math.isnan(score) or score == 0 else score

    def key(row: Mapping[str, str]) -> Key:
        name = row["input"]
        still = (guess_type(name, strict=False)[0] or "").startswith("image/")
        return key_of(name) if still else key_of(name, int(float(row["frame"])) + 1)

    return _Form("py-feat", columns, key, face=face, several=True)


def _openface_3() -> _Form:
    """Eight similarities from 0 to 1 in one cell; frames from 0; the program does not say how sure it is of a face."""

    def spread(row: Mapping[str, str]) -> Mapping[str, str]:
        if not row["action_units"].strip():
            return row
        numbers = np.array(json.loads(row["action_units"]), np.float64).ravel()
        if numbers.size != len(_OPENFACE_3):
            raise ValueError(f"{numbers.size} numbers")
        return {**row, **{facs.label(unit): str(number) for unit, number in zip(_OPENFACE_3, numbers, strict=True)}}

    def key(row: Mapping[str, str]) -> Key:
        return (
            key_of(row["video_path"], int(row["frame_index"]) + 1) if "video_path" in row else key_of(row["image_path"])
        )

    return _Form(
        "OpenFace 3",
        {facs.label(unit): (PROBABILITY, unit - 1) for unit in _OPENFACE_3},
        key,
        face=lambda row: 1.0 if row["action_units"].strip() else None,
        several=True,
        spread=spread,
    )


def _libreface(path: Path, header: Sequence[str]) -> _Form:
    """One file a video, named after it; au_1 is presence, 0 or 1, au_1_intensity 0 to 5; frames from 0."""
    columns = _of_units(name for name in header if name.lower().startswith("au"))
    return _Form(
        "LibreFace",
        columns,
        key=lambda row: key_of(path.name, int(float(row["frame_idx"])) + 1),
        face=lambda row: 1.0 if any(row[name].strip() for name in columns) else None,
        several=False,
    )


def _of_units(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    columns = {}
    for name in names:
        intensity = _OWN_INTENSITY.fullmatch(name)
        unit = facs.parse_label(intensity[1] if intensity else name)
        if unit is not None and unit <= facs.COUNT:
            columns[name] = (INTENSITY if intensity else PROBABILITY, unit - 1)
    return columns


def _own(path: Path, header: Sequence[str]) -> _Form:
    columns = _of_units(header)
    columns |= {name: (AFFECT, _DIMENSIONS.index(name.lower())) for name in header if name.lower() in _DIMENSIONS}
    if not columns:
        raise UserError(f"{path} says nothing about action units, valence or arousal; expected {EXPECTED}.")

    def key(row: Mapping[str, str]) -> Key:
        return key_of(row["image"]) if "video" not in row else key_of(row["video"], int(row["frame"]))

    return _Form("a table of predictions", columns, key, face=lambda row: 1.0, several=False)


UNANSWERED = "frame without a prediction"
UNASKED = "prediction without a labelled frame"


def lay_beside(dataset: Dataset, answers: Answers, out: Path, left_out: Path) -> int:
    """Write the table of predictions of labelled frames that have one; returns how many have.

    A frame is found by the name of its video, of its subject or, for images, of its image; those without a
    prediction are counted in ``left_out``. Raises :class:`UserError` when no frame has a prediction.
    """
    counts: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, Any]]:
        for sample in dataset.samples():
            answer = _answer_to(sample, answers)
            if answer is None:
                counts[UNANSWERED] += 1
                continue
            yield {**label_fields(sample), **_fields(answer)}

    found = write_parquet(out, PREDICTIONS_SCHEMA, rows())
    if not found:
        names = sorted({name for name, _ in answers.by_key})
        raise UserError(
            f"No prediction is of a frame of {dataset.name}; they are of {', '.join(names[:3])[:80]} …, and its videos "
            "and subjects have other names."
        )
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted((counts + dataset.left_out).items()))
    return found


def _answer_to(sample: Sample, answers: Answers) -> Answer | None:
    names = (sample.video, sample.subject) if sample.frame else (sample.source,)
    keys = (key_of(name, sample.frame) for name in names if name)
    return next((answers.by_key[key] for key in keys if key in answers.by_key), None)


def _fields(answer: Answer) -> dict[str, Any]:
    return {
        "probabilities": answer.probabilities,
        "predicted_intensities": answer.intensities,
        "predicted_valence": answer.valence,
        "predicted_arousal": answer.arousal,
        "crop": "",
    }
