"""What DISFA labels, and the folds that the literature reports (``folds.csv`` has their source)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from affectflow.tables import read_facts

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)


def _folds() -> dict[int, tuple[str, ...]]:
    parts: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for row in read_facts(Path(__file__).with_name("folds.csv"), ("subject", "part")):
        parts[int(row["part"])] += (row["subject"],)
    return dict(parts)


FOLDS = _folds()
"""The subjects of each part; fold k tests part k."""
