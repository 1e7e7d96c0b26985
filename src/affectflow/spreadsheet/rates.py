"""Are the labels in the right columns? How often each AU occurs tells.

The manual set's rates of positives are known (EmotioNet, 24,600 images). Where a table's rates are these, but a few
columns further on, its labels were shifted, as a comma in a URL or an inserted column does it.
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
"""AUs and how many percent of the manual set's labels are positive."""

_FARTHEST = 3  # columns
_FEWEST = 100  # labels from which a rate says something
_ALIKE = 0.003  # mean squared difference of the square roots of two rates
_CLEARLY = 4  # times worse as they are than shifted


class Rates:
    """Counts a table's labels: 1 is positive, 0 negative, anything else is not annotated."""

    def __init__(self) -> None:
        self._counts = [[0, 0] for _ in range(facs.COUNT)]

    def add(self, labels: Sequence[int]) -> None:
        """A row's 60 labels."""
        for counts, label in zip(self._counts, labels, strict=True):
            if label <= 1:
                counts[label] += 1

    def percent(self, unit: int) -> float | None:
        """The rate of positives; None where there are too few labels to tell."""
        negative, positive = self._counts[unit - 1]
        annotated = negative + positive
        return 100 * positive / annotated if annotated >= _FEWEST else None

    def check(self, where: str) -> None:
        """Raise :class:`UserError` where the labels fit the known rates a few columns away, and not where they are."""
        distances = {by: self._distance(by) for by in range(-_FARTHEST, _FARTHEST + 1)}
        best = min(distances, key=lambda by: (distances[by], abs(by)))
        if best and distances[best] < _ALIKE and distances[0] > _CLEARLY * distances[best]:
            side = "right" if best > 0 else "left"
            columns = "column" if abs(best) == 1 else "columns"
            raise UserError(
                f"{where}: the labels lie {abs(best)} {columns} too far to the {side} (AU {12 + best} is positive as "
                "often as AU 12 should be); move them back and run again."
            )

    def _distance(self, by: int) -> float:
        """How far the rates lie from the known ones if each AU's labels stand ``by`` columns to the right."""
        squares = []
        for unit, known in KNOWN_PERCENT.items():
            found = self.percent(unit + by) if 1 <= unit + by <= facs.COUNT else None
            if found is not None:
                squares.append((sqrt(found / 100) - sqrt(known / 100)) ** 2)
        return sum(squares) / len(squares) if len(squares) >= len(KNOWN_PERCENT) - 2 else float("inf")
