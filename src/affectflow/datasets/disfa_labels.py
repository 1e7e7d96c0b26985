"""Labels that DISFA and DISFA+ share, and the folds of the literature (``disfa_folds.csv`` names their source)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from affectflow.datasets.folds import Folds
from affectflow.datasets.sample import unknown_units

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
PRESENT_FROM = 2
"""An AU counts as present from this intensity, as in the literature."""


FOLDS = Folds.read("DISFA", Path(__file__).with_name("disfa_folds.csv"))


def occurrence(intensities: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return occurrence, int8 [60], from intensities, float32 [60]; unknown where these are NaN."""
    import numpy as np

    units = unknown_units()
    known = ~np.isnan(intensities)
    units[known] = intensities[known] >= PRESENT_FROM
    return units
