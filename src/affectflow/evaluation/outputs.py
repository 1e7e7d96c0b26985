"""Predictions that one score is computed from (one run, the runs of all folds, or another program) and their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.leakage import FoundInTraining, LeakageFile
from affectflow.contracts.model_metadata import ModelMetadata
from affectflow.datasets.face import MISSING
from affectflow.datasets.sample import PERCENT
from affectflow.evaluation.protocols import MAJORITY, Protocol
from affectflow.facs.emotions import EXPRESSIONS
from affectflow.facs.expression import NEUTRAL, THRESHOLD
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import read_facts
from affectflow.tables.parquet import read_parquet

_BY_UNIT = ("probabilities", "predicted_intensities")
_SINGLE = ("predicted_valence", "predicted_arousal")
CLIPPED = "value outside its range, which was clipped"
NO_LABEL = "frame without a label that the protocol scores"
EXCLUDED = "frame that the protocol leaves out"


@dataclass(frozen=True, slots=True)
class RunPredictions:
    """Where the predictions of one run or program are stored, and what is known about them.

    Attributes:
        run: name of the run or program.
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        left_out: counts of frames without predictions, by reason.
        inputs: files whose digests the score file records.
        synthetic: whether they are of drawn faces.
        thresholds: probability from which an AU counts as predicted, of a run that was trained here, by AU; None for
            other programs, of which it is 0.5, and whose predictions may be missing for single frames.
        validation_thresholds: threshold that was best on validation, of a run that was trained here, by AU.
        leakage: what of the benchmark the run was trained on; None where that is unknown.
        program: that wrote them; None for affectflow.
        trained_on: data sets that a run of affectflow learned from.
        unused_rows: of another program's files, by reason.
    """

    run: str
    predictions: Path
    left_out: Path
    inputs: Mapping[str, Path]
    synthetic: bool
    thresholds: Mapping[str, float] | None = None
    validation_thresholds: Mapping[str, float] | None = None
    leakage: FoundInTraining | None = None
    program: str | None = None
    trained_on: tuple[str, ...] = ()
    unused_rows: Mapping[str, int] | None = None

    @classmethod
    def of_run(
        cls, run: str, predictions: Path, left_out: Path, metadata: Path, model: Path, leakage: Path | None = None
    ) -> RunPredictions:
        """Describe the predictions of a model that was trained here.

        Args:
            run: name of the run.
            predictions: table of predictions.
            left_out: counts of frames without predictions.
            metadata: the run's ``model.json``.
            model: the run's ``model.keras``.
            leakage: counts of :func:`affectflow.evaluation.leakage.check_leakage`, None where it was not checked.
        """
        trained = ModelMetadata.read(metadata)
        return cls(
            run,
            predictions,
            left_out,
            {"model": model, "predictions": predictions},
            trained.synthetic,
            trained.thresholds,
            trained.validation_thresholds,
            LeakageFile.read(leakage) if leakage is not None else None,
            trained_on=tuple(trained.datasets),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """The frames of all runs in one table, one run after the other, with each run's number of frames."""

    table: pa.Table
    runs: Sequence[RunPredictions]
    frames: list[int]

    @property
    def is_complete(self) -> bool:
        """Whether a run predicts a label for all frames or for none, as models that were trained here do."""
        return all(run.thresholds is not None for run in self.runs)

    def rows(self) -> list[slice]:
        """Return the rows of each run."""
        ends = np.cumsum(self.frames).tolist()
        return [slice(end - frames, end) for end, frames in zip(ends, self.frames, strict=True)]

    def thresholds(self, unit: int) -> NDArray[np.float64]:
        """Return the probability from which an AU counts as predicted, for each frame."""
        return np.repeat([(run.thresholds or {}).get(facs.label(unit), THRESHOLD) for run in self.runs], self.frames)

    def validation_thresholds(self, unit: int) -> NDArray[np.float64] | None:
        """Return the threshold of an AU that was best on validation, for each frame; NaN where its run has none.

        None for predictions of other programs.
        """
        of_runs = [run.validation_thresholds for run in self.runs if run.validation_thresholds is not None]
        if len(of_runs) < len(self.runs):
            return None
        return np.repeat([thresholds.get(facs.label(unit), np.nan) for thresholds in of_runs], self.frames)


def answered(table: pa.Table) -> NDArray[np.bool_]:
    """Return for which frames there is any prediction, bool [frames]."""
    by_au = [~np.isnan(by_unit(table, name)).all(axis=1) for name in _BY_UNIT]
    single = [~np.isnan(table[name].to_numpy()) for name in _SINGLE]
    named = np.array([bool(name) for name in table["predicted_expression"].to_pylist()], bool)
    found: NDArray[np.bool_] = np.any([*by_au, *single, named], axis=0)
    return found


def answer_all(outputs: Outputs) -> Outputs:
    """Return the outputs with an answer for every frame.

    Other programs leave out frames, and a data set may have no image of a labelled one. A frame without an answer
    counts as without expression: probability and intensity 0; valence and arousal are the last answer in the video,
    else 0. What a run or program never predicts stays NaN.

    Args:
        outputs: predictions and labels of all frames, in the order of videos and frames.
    """
    table = outputs.table
    may_lack = np.ones(table.num_rows, bool)
    if outputs.is_complete:
        may_lack = np.array([crop == MISSING for crop in table["crop"].to_pylist()], bool)
    if not may_lack.any():
        return outputs
    for name in _BY_UNIT:
        values = by_unit(table, name).copy()
        for run in outputs.rows():
            known = ~np.isnan(values[run])
            values[run][~known & known.any(axis=0) & may_lack[run, None]] = 0.0
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), pa.float32()), facs.COUNT)
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    video = np.array([f"{a}/{b}" for a, b in zip(*(table[n].to_pylist() for n in ("subject", "video")), strict=True)])
    for name in _SINGLE:
        values = table[name].to_numpy().astype(np.float32)
        for run in outputs.rows():
            if not np.isnan(values[run]).all():
                values[run] = np.where(may_lack[run], _last_answer(values[run], video[run]), values[run])
        if not np.isnan(values).all():
            column = pa.array(values, pa.float32())
            table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)
    named = np.array([name or "" for name in table["predicted_expression"].to_pylist()], object)
    if named.any():
        filled = pa.array(np.where((named == "") & may_lack, NEUTRAL, named).tolist(), pa.string())
        place = table.schema.get_field_index("predicted_expression")
        table = table.set_column(place, table.schema.field(place), filled)
    return replace(outputs, table=table)


def _last_answer(values: NDArray[np.float32], video: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return each value, or where it is NaN the last one before it in its video, else 0."""
    rows = np.arange(len(values))
    begins = np.maximum.accumulate(np.where(np.append(True, video[1:] != video[:-1]), rows, 0))
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, rows))
    return np.where(last >= begins, values[np.maximum(last, 0)], 0.0).astype(np.float32)


def read_outputs(runs: Sequence[RunPredictions]) -> Outputs:
    """Read the predictions of all runs; raises :class:`UserError` for tables of another schema."""
    tables = [read_parquet(run.predictions, PREDICTIONS_SCHEMA) for run in runs]
    return Outputs(pa.concat_tables(tables), runs, [t.num_rows for t in tables])


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels that a protocol scores.

    Attributes:
        occurrence: by label, int8 [frames]: 1 present, 0 absent, -1 unknown.
        intensities: by AU, [frames], from 0 to 5, NaN unknown.
        affect: of ``valence`` and ``arousal``, [frames], from -1 to 1, NaN unknown.
        used: which frames have any known label, bool [frames].
        left_out: number of the other frames, by reason.
    """

    occurrence: dict[str, NDArray[np.int8]]
    intensities: dict[int, NDArray[np.float64]]
    affect: dict[str, NDArray[np.float64]]
    used: NDArray[np.bool_]
    left_out: Counter[str]

    def among(self, rows: NDArray[np.bool_]) -> Labels:
        """Return the labels of some of the frames, bool [frames]; those of the others are unknown."""
        return Labels(
            {name: np.where(rows, one, facs.UNKNOWN).astype(np.int8) for name, one in self.occurrence.items()},
            {unit: np.where(rows, one, np.nan) for unit, one in self.intensities.items()},
            {name: np.where(rows, one, np.nan) for name, one in self.affect.items()},
            self.used & rows,
            self.left_out,
        )


def labels_of(protocol: Protocol, table: pa.Table) -> Labels:
    """Select a protocol's labels from a table of predictions.

    Args:
        protocol: which labels are scored, and how.
        table: of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`, one row for each frame.
    """
    excluded = _excluded(path, table) if (path := protocol.left_out_file) else np.zeros(table.num_rows, bool)
    for seen, least in zip(_percents(table, protocol.left_out_from), protocol.left_out_from.values(), strict=True):
        excluded |= seen >= least
    occurrence = _majority(protocol, table) if protocol.rule == MAJORITY else _recorded(protocol, table)
    if protocol.expressions:
        occurrence |= _named(table, EXPRESSIONS)
    occurrence = {name: np.where(excluded, facs.UNKNOWN, label).astype(np.int8) for name, label in occurrence.items()}
    levels = by_unit(table, "intensities").astype(np.float64) if protocol.intensities else np.empty((0, 0))
    intensities = {unit: np.where(excluded, np.nan, levels[:, unit - 1]) for unit in protocol.intensities}
    affect = {
        dimension: np.where(excluded, np.nan, table[dimension].to_numpy().astype(np.float64))
        for dimension in (("valence", "arousal") if protocol.affect else ())
    }
    known = [column != facs.UNKNOWN for column in occurrence.values()]
    known += [~np.isnan(column) for column in (*intensities.values(), *affect.values())]
    used = np.any(known, axis=0)
    left_out = Counter({EXCLUDED: int(excluded.sum()), NO_LABEL: int((~used & ~excluded).sum())})
    return Labels(occurrence, intensities, affect, used, +left_out)


def by_unit(table: pa.Table, column: str) -> NDArray[Any]:
    """Return a column of lists over the 60 AUs as an array, [frames, 60].

    Args:
        table: of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`, one row for each frame.
        column: name of the column, such as ``probabilities``.
    """
    flat: NDArray[Any] = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(table.num_rows, facs.COUNT)


def _recorded(protocol: Protocol, table: pa.Table) -> dict[str, NDArray[np.int8]]:
    """Return occurrence as the data set gives it; labels that are not AUs of FACS are in the column ``other``."""
    units = by_unit(table, "units")
    named = _named(table, [name for name, unit in protocol.labels.items() if name != facs.label(unit)])
    return {name: named[name] if name in named else units[:, unit - 1] for name, unit in protocol.labels.items()}


def _named(table: pa.Table, names: Sequence[str]) -> dict[str, NDArray[np.int8]]:
    """Return labels that are not AUs of FACS."""
    others = [dict(entry) for entry in table["other"].to_pylist()] if names else []
    return {name: np.array([other.get(name, facs.UNKNOWN) for other in others], np.int8) for name in names}


def _majority(protocol: Protocol, table: pa.Table) -> dict[str, NDArray[np.int8]]:
    """Return occurrence as present where at least 50% of the coders recorded it."""
    return {
        name: np.where(seen < 0, facs.UNKNOWN, np.where(seen >= 50, facs.PRESENT, facs.ABSENT)).astype(np.int8)
        for name, seen in zip(protocol.labels, _percents(table, protocol.labels), strict=True)
    }


def _percents(table: pa.Table, names: Iterable[str]) -> list[NDArray[np.int64]]:
    """Return the percentages of coders who saw each of some things in each frame, -1 where they are not known."""
    columns = list(map(PERCENT.format, names))
    others = [dict(other) for other in table["other"].to_pylist()] if columns else []
    return [np.array([other.get(column, -1) for other in others], np.int64) for column in columns]


def _excluded(path: Path, table: pa.Table) -> NDArray[np.bool_]:
    """Return which rows a protocol's list of frames leaves out."""
    excluded: set[tuple[str, int]] = set()
    for row in read_facts(path, ("subject", "first", "last")):
        excluded.update((row["subject"], frame) for frame in range(int(row["first"]), int(row["last"]) + 1))
    subjects = (subject.upper() for subject in table["subject"].to_pylist())
    frames = zip(subjects, table["frame"].to_pylist(), strict=True)
    return np.fromiter((frame in excluded for frame in frames), bool, table.num_rows)
