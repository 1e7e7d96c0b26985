"""What DISFA and DISFA+ label, and the folds that the literature reports (``folds.csv`` has their source)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.core.errors import UserError
from affectflow.datasets.sample import unknown_units
from affectflow.tables.csv_files import read_facts

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
PRESENT_FROM = 2
"""Occurrence: positive where intensity >= 2, the convention of the literature."""


def _folds() -> dict[int, tuple[str, ...]]:
    parts: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for row in read_facts(Path(__file__).with_name("disfa_folds.csv"), ("subject", "part")):
        parts[int(row["part"])] += (row["subject"],)
    return dict(parts)


FOLDS = _folds()
"""The subjects of each part; fold k tests part k."""


def subjects_of(split: str) -> tuple[str, ...] | None:
    """The subjects of ``fold1-train``, ``fold1-test`` and so on; None of ``all``, where it is whoever is there.

    Raises :class:`UserError` for another split.
    """
    if split == "all":
        return None
    fold, _, side = split.removeprefix("fold").partition("-")
    if not (fold.isascii() and fold.isdecimal()) or int(fold) not in FOLDS or side not in ("train", "test"):
        raise UserError(f"DISFA has no split {split!r}; known are all and fold1-train to fold3-test.")
    tested = FOLDS[int(fold)]
    if side == "test":
        return tested
    return tuple(subject for part in FOLDS.values() for subject in part if subject not in tested)


def occurrence(intensities: NDArray[np.float32]) -> NDArray[np.int8]:
    """Occurrence int8 [60] of intensities float32 [60], unknown where these are NaN."""
    units = unknown_units()
    known = ~np.isnan(intensities)
    units[known] = intensities[known] >= PRESENT_FROM
    return units
