"""What a protocol makes of the labels of a table of predictions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.protocols import MAJORITY, Protocol
from affectflow.sample import PERCENT
from affectflow.tables import read_facts

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
    """``table`` is one of :data:`affectflow.evaluation.predictions.PREDICTIONS_SCHEMA`."""
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
