"""Detect labels in the wrong columns by how often each AU is positive.

The rates of EmotioNet's manually labelled set (24,600 images) are known. If a table has these rates a few columns away
from where they belong, its labels were shifted, for instance by a comma in a URL or an inserted column.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from affectflow import facs
from affectflow.core.errors import UserError

KNOWN_PERCENT = dict(
    zip(
        (1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26, 43),
        (5.9, 2.8, 11.6, 3.5, 18.6, 2.0, 30.6, 2.0, 0.54, 47.0, 8.4, 2.7),
        strict=True,
    )
)
"""Percentage of positive labels by AU in the manually labelled set."""

_MAX_SHIFT = 3  # columns
_MIN_LABELS = 100  # for a rate
_SIMILAR = 0.003  # largest mean squared difference of the square roots of two rates
_CLEARLY = 4  # times the distance of the shifted labels must the unshifted ones have


class Rates:
    """Counts a table's labels: 1 is positive, 0 negative, anything else is not annotated."""

    def __init__(self) -> None:
        self._counts = [[0, 0] for _ in range(facs.COUNT)]

    def add(self, labels: Sequence[int]) -> None:
        """Add the 60 labels of a row."""
        for counts, label in zip(self._counts, labels, strict=True):
            if label <= 1:
                counts[label] += 1

    def percent(self, unit: int) -> float | None:
        """Return the percentage of positive labels of an AU; None if there are too few labels."""
        negative, positive = self._counts[unit - 1]
        annotated = negative + positive
        return 100 * positive / annotated if annotated >= _MIN_LABELS else None

    def check(self, where: str) -> None:
        """Raise :class:`UserError` if the labels fit the known rates a few columns away, and not where they are."""
        distances = {shift: self._distance(shift) for shift in range(-_MAX_SHIFT, _MAX_SHIFT + 1)}
        best = min(distances, key=lambda shift: (distances[shift], abs(shift)))
        if best and distances[best] < _SIMILAR and distances[0] > _CLEARLY * distances[best]:
            side = "right" if best > 0 else "left"
            columns = "column" if abs(best) == 1 else "columns"
            raise UserError(
                f"{where}: the labels are {abs(best)} {columns} too far to the {side} (AU {12 + best} is positive as "
                "often as AU 12 should be); move them back and run again."
            )

    def _distance(self, shift: int) -> float:
        """Measure the distance of the rates from the known ones if labels are ``shift`` columns to the right."""
        squares = []
        for unit, known in KNOWN_PERCENT.items():
            found = self.percent(unit + shift) if 1 <= unit + shift <= facs.COUNT else None
            if found is not None:
                squares.append((sqrt(found / 100) - sqrt(known / 100)) ** 2)
        return sum(squares) / len(squares) if len(squares) >= len(KNOWN_PERCENT) - 2 else float("inf")
