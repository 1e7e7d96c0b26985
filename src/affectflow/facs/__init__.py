"""The codes of the Facial Action Coding System (FACS) as EmotioNet numbers them: AU 1 to AU 60.

Benitez-Quiroz et al., "EmotioNet", CVPR 2016. :mod:`affectflow.facs.units` describes each of them.
"""

from __future__ import annotations

import re

COUNT = 60
UNKNOWN = -1  # in memory and in records; EmotioNet's files write 999
ABSENT = 0
PRESENT = 1

SUBSETS: dict[str, tuple[int, ...]] = {
    "all": tuple(range(1, COUNT + 1)),
    "emotionet2017": (1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26),
    "emotionet2018": (1, 2, 4, 5, 6, 9, 12, 17, 20, 25, 26, 43),
    "emotionet2020": (1, 2, 4, 5, 6, 9, 10, 12, 15, 17, 18, 20, 24, 25, 26, 28, 43, 51, 52, 53, 54, 55, 56),
}
"""All AUs, and those of the EmotioNet challenges by year."""


def label(unit: int) -> str:
    """Return the name of an AU in score files and table columns, such as ``"AU12"`` for 12."""
    return f"AU{unit}"


LABELS: tuple[str, ...] = tuple(label(unit) for unit in range(1, COUNT + 1))

_HEADER = re.compile(r"[\s'\"]*AU[\s_'\"]*0*([1-9]\d*)[\s'\"]*", re.IGNORECASE)


def parse_label(text: str) -> int | None:
    """Return the number of the AU that a column is named after, or None.

    Spellings of published tables are accepted: ``'AU 1'`` with literal quotes and blanks, ``AU01``, ``au12``.
    """
    match = _HEADER.fullmatch(text)
    if match is None:
        return None
    unit = int(match.group(1))
    return unit if unit <= COUNT else None
