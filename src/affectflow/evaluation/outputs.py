"""The predictions that make one score: of one run, of the runs of all folds, or of another's program."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.datasets.sample import PERCENT
from affectflow.evaluation.protocols import MAJORITY, Protocol
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import read_facts
from affectflow.tables.parquet import read_parquet

NO_LABEL = "frame without a label that the protocol scores"
LISTED = "frame that the protocol leaves out"


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels that count, unknown where they do not.

    ``occurrence`` holds int8 [frames] by label: 1 present, 0 absent, -1 unknown; ``intensities`` float [frames] by
    AU from 0 to 5, ``affect`` float [frames] of ``valence`` and ``arousal``, both NaN where unknown. ``used`` says
    which frames have any of them, ``left_out`` counts the others by reason.
    """

    occurrence: dict[str, NDArray[np.int8]]
    intensities: dict[int, NDArray[np.float64]]
    affect: dict[str, NDArray[np.float64]]
    used: NDArray[np.bool_]
    left_out: Counter[str]


def labels_of(protocol: Protocol, table: pa.Table) -> Labels:
    """``table`` is one of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`."""
    listed = _listed(protocol.left_out, table) if protocol.left_out else np.zeros(table.num_rows, bool)
    occurrence = _majority(protocol, table) if protocol.rule == MAJORITY else _recorded(protocol, table)
    occurrence = {name: np.where(listed, facs.UNKNOWN, known).astype(np.int8) for name, known in occurrence.items()}
    levels = by_unit(table, "intensities").astype(np.float64) if protocol.intensities else np.empty((0, 0))
    intensities = {unit: np.where(listed, np.nan, levels[:, unit - 1]) for unit in protocol.intensities}
    affect = {
        dimension: np.where(listed, np.nan, table[dimension].to_numpy().astype(np.float64))
        for dimension in (("valence", "arousal") if protocol.affect else ())
    }
    known = [column != facs.UNKNOWN for column in occurrence.values()]
    known += [~np.isnan(column) for column in (*intensities.values(), *affect.values())]
    used = np.any(known, axis=0)
    left_out = Counter({LISTED: int(listed.sum()), NO_LABEL: int((~used & ~listed).sum())})
    return Labels(occurrence, intensities, affect, used, +left_out)


def by_unit(table: pa.Table, column: str) -> NDArray[Any]:
    """A column of lists over the 60 AUs, [frames, 60]."""
    flat: NDArray[Any] = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(table.num_rows, facs.COUNT)


def _recorded(protocol: Protocol, table: pa.Table) -> dict[str, NDArray[np.int8]]:
    units = by_unit(table, "units")
    strangers = [name for name, unit in protocol.labels.items() if name != facs.label(unit)]
    others = [dict(entry) for entry in table["other"].to_pylist()] if strangers else []
    return {
        name: np.array([other.get(name, facs.UNKNOWN) for other in others], np.int8)
        if name in strangers
        else units[:, unit - 1]
        for name, unit in protocol.labels.items()
    }


def _majority(protocol: Protocol, table: pa.Table) -> dict[str, NDArray[np.int8]]:
    others = [dict(entry) for entry in table["other"].to_pylist()]
    percent = {name: np.array([other.get(PERCENT.format(name), -1) for other in others]) for name in protocol.labels}
    return {
        name: np.where(seen < 0, facs.UNKNOWN, np.where(seen >= 50, facs.PRESENT, facs.ABSENT)).astype(np.int8)
        for name, seen in percent.items()
    }


def _listed(path: Path, table: pa.Table) -> NDArray[np.bool_]:
    listed: set[tuple[str, int]] = set()
    for row in read_facts(path, ("subject", "first", "last")):
        listed.update((row["subject"], frame) for frame in range(int(row["first"]), int(row["last"]) + 1))
    subjects = (subject.upper() for subject in table["subject"].to_pylist())
    frames = zip(subjects, table["frame"].to_pylist(), strict=True)
    return np.fromiter((frame in listed for frame in frames), bool, table.num_rows)


@dataclass(frozen=True, slots=True)
class Part:
    """The predictions of one run or program, and what was left out when they were made.

    ``described`` says whether it is ``synthetic`` and which ``thresholds`` its validation asked for. Others'
    predictions have none, may lack outputs for single frames, and say which ``program`` made them and how many of its
    rows are of no use (``unused_rows``). ``overlap``, where somebody looked, counts what was trained on too.
    ``inputs`` are files to cite by their digests.
    """

    run: str
    predictions: Path
    left_out: Path
    described: Mapping[str, Any]
    inputs: Mapping[str, Path]

    @classmethod
    def of_run(
        cls, run: str, predictions: Path, left_out: Path, card: Path, model: Path, overlap: Path | None = None
    ) -> Part:
        """Of a model that was trained here; ``overlap`` says what it has seen of the benchmark."""
        described = json.loads(card.read_text(encoding="utf-8"))
        if overlap is not None:
            described["overlap"] = json.loads(overlap.read_text(encoding="utf-8"))
        return cls(run, predictions, left_out, described, {"model": model, "predictions": predictions})


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """All parts' frames, one after the other; ``described`` and ``frames`` are of each part."""

    table: pa.Table
    described: list[Mapping[str, Any]]
    frames: list[int]

    @property
    def whole(self) -> bool:
        """Whether there must be an output for each frame, or none at all: from models that were trained here."""
        return all("thresholds" in one for one in self.described)

    def rows(self) -> list[slice]:
        """Where each part's frames stand."""
        ends = np.cumsum(self.frames).tolist()
        return [slice(end - frames, end) for end, frames in zip(ends, self.frames, strict=True)]

    def thresholds(self, unit: int) -> NDArray[np.float64] | None:
        """Each frame's threshold of an AU, which its run's validation asked for; NaN where that was not taught it."""
        if not self.whole:
            return None
        name = facs.label(unit)
        return np.repeat([float(one["thresholds"].get(name, "nan")) for one in self.described], self.frames)


def read_outputs(parts: Sequence[Part]) -> Outputs:
    """Raises :class:`UserError` for tables of another version."""
    tables = [read_parquet(part.predictions, PREDICTIONS_SCHEMA) for part in parts]
    return Outputs(pa.concat_tables(tables), [part.described for part in parts], [t.num_rows for t in tables])
