"""``history.csv``: a line for each epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from affectflow.tables import write_csv


def write_history(path: Path, lines: Sequence[Mapping[str, float]]) -> None:
    """Columns as the lines have them; empty where a measure does not exist.

    All but ``images_per_s``, which is measured, are the same for the same training.
    """
    columns = list(lines[0])
    write_csv(path, columns, ([_cell(line[column]) for column in columns] for line in lines))


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
