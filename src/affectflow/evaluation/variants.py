"""Other protocols in use on the same benchmarks: the same predictions, other labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.sample import PERCENT
from affectflow.tables import read_facts

Labels = Mapping[str, NDArray[np.int8]]
"""Occurrence int8 [frames] by label: 1 present, 0 absent, -1 unknown."""


@dataclass(frozen=True, slots=True)
class Variant:
    """``labels`` makes this protocol's labels of a table of predictions and of the main protocol's labels."""

    positive_if: str
    labels: Callable[[pa.Table, Labels], Labels]


def _without_bad_landmarks(table: pa.Table, labels: Labels) -> Labels:
    bad: set[tuple[str, int]] = set()
    path = Path(__file__).with_name("disfa_bad_landmarks.csv")
    for row in read_facts(path, ("subject", "first", "last")):
        bad.update((row["subject"], frame) for frame in range(int(row["first"]), int(row["last"]) + 1))
    subjects = (subject.upper() for subject in table["subject"].to_pylist())
    frames = zip(subjects, table["frame"].to_pylist(), strict=True)
    left_out = np.fromiter((frame in bad for frame in frames), bool, table.num_rows)
    return {name: np.where(left_out, facs.UNKNOWN, known).astype(np.int8) for name, known in labels.items()}


def _by_majority(table: pa.Table, labels: Labels) -> Labels:
    others = [dict(entry) for entry in table["other"].to_pylist()]
    percent = {name: np.array([other.get(PERCENT.format(name), -1) for other in others]) for name in labels}
    return {
        name: np.where(seen < 0, facs.UNKNOWN, np.where(seen >= 50, facs.PRESENT, facs.ABSENT)).astype(np.int8)
        for name, seen in percent.items()
    }


VARIANTS: dict[str, dict[str, Variant]] = {
    "disfa": {"without frames of bad landmarks": Variant("intensity >= 2", _without_bad_landmarks)},
    "amfed": {"majority of coders": Variant("seen by at least 50% of the coders, negative below", _by_majority)},
}
"""By benchmark and name."""
