"""Which AUs make an emotion, in three published tables, and how strong an AU is.

Intensity letters are those of FACS: A trace, B slight, C marked or pronounced, D severe or extreme, E maximum. As
numbers they are 1 to 5, the scale of DISFA, where 0 is absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from affectflow.core.errors import UserError

LETTERS = "ABCDE"


def intensity(letter: str) -> int:
    """``"B"`` -> 2; raises ValueError for anything but a letter from A to E."""
    if len(letter) != 1 or letter.upper() not in LETTERS:
        raise ValueError(f"{letter!r} is no FACS intensity from A to E")
    return LETTERS.index(letter.upper()) + 1


@dataclass(frozen=True, slots=True)
class Part:
    """An AU that belongs to an emotion and, where the table names a letter, its intensity."""

    unit: int
    intensity: int | None = None

    @property
    def least(self) -> int:
        """The intensity from which it counts as present: that of its letter, else a trace."""
        return self.intensity or 1

    def __str__(self) -> str:
        return f"{self.unit}{LETTERS[self.intensity - 1] if self.intensity else ''}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """How far a face shows an emotion, judged by the AUs that are known.

    ``share`` lies in [0, 1], None where no AU of the emotion is known; ``unknown`` are those that did not count.
    """

    share: float | None
    unknown: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Emotion:
    """A name and its AUs; neutral has none."""

    name: str
    parts: tuple[Part, ...]

    def judge(self, intensities: Mapping[int, float]) -> Judgement:
        """Judge by intensities 0 to 5 of the AUs that are known; an AU that is only said to be present has 5."""
        known = [part for part in self.parts if part.unit in intensities]
        unknown = tuple(part.unit for part in self.parts if part.unit not in intensities)
        if not known:
            return Judgement(None, unknown)
        return Judgement(sum(intensities[part.unit] >= part.least for part in known) / len(known), unknown)


_SAME = {"Fear": "1 2 4 5 7 20 26", "Anger": "4 5 7 23", "Disgust": "9 15 16", "Surprise": "1 2 5B 26"}
_TABLES: dict[str, dict[str, str]] = {
    # The student report of 2017 that this project grew out of.
    "report2017": {"Neutral": "", "Happiness": "6 12", "Sadness": "1 4 14", **_SAME},
    # Friesen and Ekman, EMFACS-7 (1983), as it is usually quoted.
    "emfacs": {"Neutral": "", "Happiness": "6 12", "Sadness": "1 4 15", **_SAME},
    # Du, Tao and Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014.
    "du2014": {
        "Neutral": "",
        "Happiness": "12 25",
        "Sadness": "4 15",
        "Fear": "1 4 20 25",
        "Anger": "4 7 24",
        "Disgust": "9 10 17",
        "Surprise": "1 2 25 26",
    },
}
TABLES = tuple(_TABLES)
_PART = re.compile(r"(\d+)([A-E]?)")


def emotions(table: str, sadness: int | None = None) -> dict[str, Emotion]:
    """A table's emotions by name; ``sadness`` (14 or 15) puts that AU in place of the other.

    Raises :class:`UserError` for an unknown table or another AU.
    """
    if table not in _TABLES:
        raise UserError(f"There is no table of emotions {table!r}; known are {', '.join(TABLES)}.")
    if sadness not in (None, 14, 15):
        raise UserError(f"Sadness has AU 14 or AU 15, not {sadness}.")
    found = {name: Emotion(name, _parts(text)) for name, text in _TABLES[table].items()}
    if sadness is not None:
        parts = (Part(sadness) if part.unit in (14, 15) else part for part in found["Sadness"].parts)
        found["Sadness"] = Emotion("Sadness", tuple(parts))
    return found


def _parts(text: str) -> tuple[Part, ...]:
    return tuple(Part(int(unit), intensity(letter) if letter else None) for unit, letter in _PART.findall(text))
