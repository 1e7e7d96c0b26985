"""Predictions of other programs: reading their files, and joining them with the labels of a data set."""

from __future__ import annotations

import logging
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.base import Dataset, visible
from affectflow.datasets.conditions import Conditions
from affectflow.datasets.media import MetadataOnly
from affectflow.datasets.opening import get_dataset
from affectflow.datasets.sample import Sample
from affectflow.datasets.synthetic import is_drawn
from affectflow.evaluation.external_formats import (
    AFFECT,
    EXPECTED,
    INTENSITY,
    OWN,
    PROBABILITY,
    Format,
    is_known_column,
    recognize,
)
from affectflow.evaluation.outputs import CLIPPED, RunPredictions
from affectflow.media.name_index import NameIndex, normalized
from affectflow.prediction.columns import LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA, label_fields
from affectflow.tables.cells import parse_number
from affectflow.tables.csv_files import write_csv
from affectflow.tables.delimited import open_table
from affectflow.tables.parquet import write_parquet

log = logging.getLogger(__name__)

WITHOUT_LABEL = "prediction without a labelled frame"
_WITHOUT_FACE = "prediction without a face"
_OTHER_FACE = "prediction of another face in the same frame"
_RANGES = {PROBABILITY: (0.0, 1.0), INTENSITY: (0.0, 5.0), AFFECT: (-1.0, 1.0)}
_ROUNDING = 1e-5
"""How far beyond its range a value of a program that computes in single precision may be."""

_DECIMAL_COMMA = re.compile(r"^\s*([-+]?\d*),(\d+(?:[eE][-+]?\d+)?)\s*$")
_EXTENSION = re.compile(r"\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)

Key = tuple[str, int]
"""The path of a video, subject or image, lower case, without extension, and the frame from 1; 0 for an image."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction for one frame, NaN where there is none; ``probabilities`` and ``intensities`` are [60], by AU."""

    probabilities: NDArray[np.float32]
    intensities: NDArray[np.float32]
    valence: float
    arousal: float
    expression: str = ""


_NO_ANSWER = Prediction(
    np.full(facs.COUNT, np.nan, np.float32), np.full(facs.COUNT, np.nan, np.float32), math.nan, math.nan
)


@dataclass(frozen=True, slots=True)
class ExternalPredictions:
    """All predictions of a file or folder by key; ``left_out`` counts what is not used as it is, by reason."""

    program: str
    by_key: dict[Key, Prediction] = field(repr=False)
    left_out: Counter[str]


def read_predictions(path: Path) -> ExternalPredictions:
    """Read the predictions of a file, or of all .csv, .tsv and .txt files in a folder.

    Frames are counted from 1. Where any file of a program that counts from 1 holds a frame 0, all its files are counted
    from 0. A missing value (NaN, NA, blank) is no prediction; values outside their range are clipped and counted.

    Raises:
        UserError: naming file and line, for columns of no known program, cells that are not numbers, rows with more or
            fewer cells than columns, and frames that occur twice.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for ending in (".csv", ".tsv", ".txt") for file in visible(path, ending))
        others = [file.name for file in visible(path, "") if file not in files and file.is_file()]
        if others:
            log.warning("%s: not read, since they are not tables: %s", path, ", ".join(others)[:200])
    if not files:
        raise UserError(f"{path} holds no .csv file; name the folder of the predictions.")
    read = _Reader()
    for file in files:
        read.add(file)
    return read.predictions()


class _Reader:
    """Collects the predictions of several files."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int | None], tuple[Format, Prediction]] = {}
        self._face_scores: dict[tuple[str, int | None], float] = {}
        self._from_zero: dict[str, Path] = {}
        self._programs: set[str] = set()
        self._left_out: Counter[str] = Counter()

    def add(self, path: Path) -> None:
        """Add the rows of a file."""
        seen: set[tuple[str, int | None]] = set()
        with open_table(path, is_known_column, EXPECTED) as table:
            layout = recognize(path, table.header)
            _check_columns(path, layout, table.header)
            self._programs.add(layout.program)
            for line, cells in table.rows:
                where = f"{path}, line {line}"
                row: Mapping[str, str] = dict(zip(table.header, cells, strict=True))
                if table.delimiter != ",":
                    row = {name: _DECIMAL_COMMA.sub(r"\1.\2", cell) for name, cell in row.items()}
                try:
                    row = layout.split_cells(row)
                    face_score, (name, frame) = layout.face_score(row), layout.place(row)
                    if frame is not None and frame < (layout.first_frame or 0):
                        raise ValueError(f"frame {frame}")
                except (ValueError, OverflowError, KeyError, TypeError, RecursionError):
                    raise UserError(f"{where}: the frame or the face cannot be read; correct this line.") from None
                if frame == 0 and layout.first_frame is None:
                    self._from_zero.setdefault(layout.program, path)
                if face_score is None:
                    self._left_out[_WITHOUT_FACE] += 1
                    continue
                key = _without_extension(name), frame
                if key in self._rows:
                    if not layout.several_faces or key not in seen:
                        shown = f"frame {frame} of {name!r}" if frame is not None else repr(name)
                        raise UserError(f"{where}: {shown} occurs twice; remove one of its rows.")
                    self._left_out[_OTHER_FACE] += 1
                    if face_score <= self._face_scores[key]:
                        continue
                seen.add(key)
                self._face_scores[key] = face_score
                prediction = self._parse(where, row, layout.columns, table.delimiter)
                self._rows[key] = layout, replace(prediction, expression=_expression(where, row, layout))

    def predictions(self) -> ExternalPredictions:
        """Return what was added, with frames from 1."""
        for program, path in self._from_zero.items():
            log.warning("%s has a frame 0, so the frames of %s are counted from 0", path, program)
        by_key = {
            (name, 0 if frame is None else frame + 1 - self._first_frame(layout)): prediction
            for (name, frame), (layout, prediction) in self._rows.items()
        }
        return ExternalPredictions(" and ".join(sorted(self._programs)), by_key, self._left_out)

    def _first_frame(self, layout: Format) -> int:
        if layout.first_frame is not None:
            return layout.first_frame
        return 0 if layout.program in self._from_zero else 1

    def _parse(
        self, where: str, row: Mapping[str, str], columns: Mapping[str, tuple[str, int]], delimiter: str
    ) -> Prediction:
        values = {kind: np.full(facs.COUNT, np.nan, np.float32) for kind in (PROBABILITY, INTENSITY, AFFECT)}
        for name, (kind, index) in columns.items():
            low, high = _RANGES[kind]
            try:
                value = parse_number(row[name], delimiter)
            except ValueError:
                text = row[name].strip()[:40]
                raise UserError(f"{where}: {name} is {text!r}, not a number; correct it.") from None
            if not math.isnan(value) and not low - _ROUNDING <= value <= high + _ROUNDING:
                self._left_out[CLIPPED] += 1
            values[kind][index] = min(max(value, low), high)
        valence, arousal = (float(value) for value in values[AFFECT][:2])
        return Prediction(values[PROBABILITY], values[INTENSITY], valence, arousal)


def _expression(where: str, row: Mapping[str, str], layout: Format) -> str:
    """Return the expression that a row predicts, empty where there is none."""
    try:
        return layout.expression(row)
    except ValueError as error:
        raise UserError(f"{where}: {str(error)[:80]}; give Neutral, Anger and so on, or a code from 0 to 7.") from None


def _check_columns(path: Path, layout: Format, header: Sequence[str]) -> None:
    """Raise :class:`UserError` where two columns are of one output; name those that are not used."""
    meant: dict[tuple[str, int], str] = {}
    for name, output in layout.columns.items():
        if (other := meant.setdefault(output, name)) != name:
            raise UserError(f"{path} has the columns {other!r} and {name!r} for one output; remove one of them.")
    unused = [name for name in header if name and not is_known_column(name)]
    if layout.program == OWN and unused:
        log.warning("%s has columns that are not used: %s", path, ", ".join(unused)[:200])


def _without_extension(name: str) -> str:
    """Return a name in lower case without the extension of a file, but with a dot and a number."""
    return _EXTENSION.sub("", normalized(name)).casefold()


@dataclass(frozen=True, slots=True)
class Joined:
    """How many frames have a label and a prediction, what is left out by reason, and labelled frames without a
    prediction by video."""

    frames: int
    left_out: Counter[str]
    without_prediction: Counter[str]


def join_with_labels(dataset: Dataset, predictions: ExternalPredictions, out: Path, left_out: Path) -> Joined:
    """Write a table of predictions for the labelled frames of a data set; NaN where a frame has none.

    A frame is matched by the name of its video, of its subject or, for images, of its image: by the whole path, else by
    the end of the path, in any form of Unicode and in any case of letters, where only one name is meant.

    Args:
        dataset: whose labels are used.
        predictions: by frame.
        out: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        left_out: CSV that counts the frames without a label.

    Raises:
        UserError: no frame has a prediction.
    """
    of_video: Counter[str] = Counter()
    used: dict[Key, str] = {}
    names = _Names({name for name, _ in predictions.by_key})
    without: list[tuple[str, ...]] = []

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal without
        for sample in (one for part in dataset.parts() for one in dataset.labelled_of(part)):
            key = _key_of(sample, predictions, names)
            if key is not None and used.setdefault(key, sample.source) != sample.source:
                raise UserError(
                    f"The predictions of {key[0]!r} would be those of {used[key]!r} and of {sample.source!r}, which "
                    "differ in their endings alone; name the images apart."
                )
            prediction = None if key is None else predictions.by_key[key]
            if prediction is None:
                of_video[sample.video or sample.source] += 1
                without = without or [_names_of(sample)]
            yield {
                **label_fields(sample),
                **_output_fields(prediction or _NO_ANSWER),
                "crop": "",
                **asdict(Conditions()),
            }

    found = write_parquet(out, PREDICTIONS_SCHEMA, rows()) - of_video.total()
    if not found:
        if not names.known:
            raise UserError("The predictions have no row; give the files that have some.")
        examples = ", ".join(sorted(names.known)[:3])[:80]
        first = without[0][0] if without else dataset.name
        raise UserError(
            f"No prediction is of a frame of {dataset.name}; they are of {examples} …, and none is of {first[:80]!r}, "
            "for example. Name the files or the column video after the videos, subjects or images."
        )
    for wanted in without:
        hint = next(filter(None, map(names.hint, wanted)), "")
        log.warning("%d frames have no prediction, the first of them of %r%s", of_video.total(), wanted[0], hint)
    write_csv(left_out, LEFT_OUT_COLUMNS, sorted(dataset.left_out.items()))
    return Joined(found, dataset.left_out, of_video)


def _output_fields(prediction: Prediction) -> dict[str, Any]:
    return {
        "probabilities": prediction.probabilities,
        "predicted_intensities": prediction.intensities,
        "predicted_valence": prediction.valence,
        "predicted_arousal": prediction.arousal,
        "predicted_expression": prediction.expression,
    }


@dataclass(frozen=True, slots=True)
class ExternalRun:
    """Predictions of another program, joined with labels as those of a run are, and how far they match."""

    run: RunPredictions
    matched: Joined


def external_run(predictions: Path, name: str, benchmark: str, root: Path, split: str, folder: Path) -> ExternalRun:
    """Join predictions of another program with the labels of a benchmark.

    Args:
        predictions: A file, or a folder of files.
        name: Name of the model in score files.
        benchmark: Name of the benchmark.
        root: Its folder.
        split: Its split.
        folder: An empty folder for the joined tables, which must stay as long as the run is used.

    Raises:
        UserError: There are no such predictions, or none is of a frame of the benchmark.
    """
    if not predictions.exists():
        raise UserError(f"{predictions} does not exist; name the file or folder of the predictions.")
    external = read_predictions(predictions)
    joined, left_out = folder / "predictions.parquet", folder / "left_out.csv"
    matched = join_with_labels(get_dataset(benchmark, root, split, MetadataOnly()), external, joined, left_out)
    unused = external.left_out + Counter({WITHOUT_LABEL: len(external.by_key) - matched.frames})
    run = RunPredictions(
        run=name,
        predictions=joined,
        left_out=left_out,
        inputs={"predictions": predictions} if predictions.is_file() else {},
        synthetic=is_drawn(root),
        program=external.program,
        unused_rows=dict(unused),
    )
    return ExternalRun(run, matched)


class _Names:
    """The names that predictions are of, found by the names of a data set."""

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self._whole = NameIndex(sorted(known))
        by_end: dict[str, set[str]] = {}
        for name in known:
            by_end.setdefault(PurePosixPath(name).name, set()).add(name)
        self._by_end = by_end
        self._found: dict[str, str | None] = {}

    def find(self, name: str) -> str | None:
        """Return the name of the predictions for a video, subject or image."""
        if name not in self._found:
            self._found[name] = self._look_up(_without_extension(name))
        return self._found[name]

    def hint(self, name: str) -> str:
        """Return what to say about the name nearest to one that has no predictions."""
        nearest = self._whole.nearest(_without_extension(name))
        return f"; the most similar name there is {nearest!r}" if nearest else ""

    def _look_up(self, wanted: str) -> str | None:
        if (whole := self._whole.find(wanted)) is not None:
            return whole
        same_file = self._by_end.get(PurePosixPath(wanted).name, set())
        ends = {name for name in same_file if _is_end(name, wanted) or _is_end(wanted, name)}
        return next(iter(ends)) if len(ends) == 1 else None


def _is_end(path: str, end: str) -> bool:
    """Return whether a path is another one, or ends with it."""
    return f"/{path.lstrip('/')}".endswith(f"/{end.lstrip('/')}")


def _names_of(sample: Sample) -> tuple[str, ...]:
    """Return the names by which predictions for an image are found."""
    return tuple(filter(None, (sample.video, sample.subject) if sample.frame else (sample.source,)))


def _key_of(sample: Sample, predictions: ExternalPredictions, names: _Names) -> Key | None:
    """Return the key of the prediction for an image, None where there is none."""
    found = map(names.find, _names_of(sample))
    keys = [(name, sample.frame) for name in dict.fromkeys(found) if name is not None]
    there = [key for key in keys if key in predictions.by_key]
    if len(there) > 1:
        raise UserError(
            f"The predictions of {there[0][0]!r} and of {there[1][0]!r} are both of {sample.source!r}; leave one out."
        )
    return there[0] if there else None
