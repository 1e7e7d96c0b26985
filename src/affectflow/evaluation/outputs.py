"""The predictions that make one score: of one run, of the runs of all folds, or of another's program."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.predictions import PREDICTIONS_SCHEMA
from affectflow.tables import read_parquet


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
