"""Labels that DISFA and DISFA+ share, and the folds of the literature (``disfa_folds.csv`` names their source)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.core.errors import UserError
from affectflow.datasets.sample import unknown_units
from affectflow.tables.csv_files import read_facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
PRESENT_FROM = 2
"""An AU counts as present from this intensity, as in the literature."""


def _folds() -> dict[int, tuple[str, ...]]:
    parts: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for row in read_facts(Path(__file__).with_name("disfa_folds.csv"), ("subject", "part")):
        parts[int(row["part"])] += (row["subject"],)
    return dict(parts)


FOLDS = _folds()
"""The subjects of each part; fold k tests part k."""
SPLITS = ("all", *(f"fold{fold}-{side}" for fold in FOLDS for side in ("train", "test")))


def subjects_of(split: str) -> tuple[str, ...] | None:
    """Return the subjects of a split such as ``fold1-train``; None for ``all``, which has every subject on disk.

    Raises :class:`UserError` for another split.
    """
    if split not in SPLITS:
        raise UserError(f"DISFA has no split {split!r}; use one of {', '.join(SPLITS)}.")
    if split == "all":
        return None
    fold, _, side = split.removeprefix("fold").partition("-")
    tested = FOLDS[int(fold)]
    if side == "test":
        return tested
    return tuple(subject for part in FOLDS.values() for subject in part if subject not in tested)


def occurrence(intensities: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return occurrence, int8 [60], from intensities, float32 [60]; unknown where these are NaN."""
    import numpy as np

    units = unknown_units()
    known = ~np.isnan(intensities)
    units[known] = intensities[known] >= PRESENT_FROM
    return units
