"""Define emotions by their AUs, from published tables, and the scale of an AU's intensity.

Intensity letters are those of FACS: A trace, B slight, C marked or pronounced, D severe or extreme, E maximum. As
numbers they are 1 to 5, the scale of DISFA, where 0 is absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from affectflow.core.errors import UserError

LETTERS = "ABCDE"


EXPRESSIONS = ("Neutral", "Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other")
"""The expressions of Aff-Wild2 in the order of their codes (ABAW, since 2022; before without the last)."""
_SPELLINGS = {
    **{name.lower(): name for name in EXPRESSIONS},
    **{"angry": "Anger", "disgusted": "Disgust", "fearful": "Fear", "happy": "Happiness", "sad": "Sadness"},
    **{"surprised": "Surprise", "contempt": "Other"},
}


def parse_expression(text: str) -> str:
    """Return the expression that a program names, or gives by its code in :data:`EXPRESSIONS`.

    Raises :class:`ValueError` for another text.
    """
    found = _SPELLINGS.get(text.strip().lower())
    if found is None and text.strip().isdecimal() and int(text) < len(EXPRESSIONS):
        found = EXPRESSIONS[int(text)]
    if found is None:
        raise ValueError(f"{text!r} is not an expression")
    return found


def intensity(letter: str) -> int:
    """Convert a letter to a number, such as "B" to 2; raise :class:`ValueError` for other than A to E."""
    if len(letter) != 1 or letter.upper() not in LETTERS:
        raise ValueError(f"{letter!r} is not a FACS intensity from A to E")
    return LETTERS.index(letter.upper()) + 1


@dataclass(frozen=True, slots=True)
class Part:
    """An AU that belongs to an emotion and, where the table names a letter, its intensity."""

    unit: int
    intensity: int | None = None

    @property
    def min_intensity(self) -> int:
        """The intensity from which the AU counts as present: that of its letter, else a trace."""
        return self.intensity or 1

    def __str__(self) -> str:
        return f"{self.unit}{LETTERS[self.intensity - 1] if self.intensity else ''}"


@dataclass(frozen=True, slots=True)
class Emotion:
    """An emotion and its AUs; neutral has none."""

    name: str
    parts: tuple[Part, ...]

    @property
    def column(self) -> str:
        """The name of the emotion's column in a table."""
        return self.name.lower().replace(",", "").replace(" ", "_")


_COMMON = {"Fear": "1 2 4 5 7 20 26", "Anger": "4 5 7 23", "Disgust": "9 15 16", "Surprise": "1 2 5B 26"}
_TABLES: dict[str, dict[str, str]] = {
    # The student report of 2017 that this project grew out of.
    "report2017": {"Neutral": "", "Happiness": "6 12", "Sadness": "1 4 14", **_COMMON},
    # Friesen and Ekman, EMFACS-7 (1983), as it is usually quoted.
    "emfacs": {"Neutral": "", "Happiness": "6 12", "Sadness": "1 4 15", **_COMMON},
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
# The same paper's 22 categories: the AUs that more than 70 % of the people show. Categories with the same ones are told
# apart there by AUs that some people show, and are one here.
_TABLES["du2014compound"] = {
    "Neutral": "",
    "Happiness": "12 25",
    "Sadness or sadly angry": "4 15",
    "Fear or sadly fearful": "1 4 20 25",
    "Anger": "4 7 24",
    "Disgust": "9 10 17",
    "Surprise": "1 2 25 26",
    "Happily surprised": "1 2 12 25",
    "Happily disgusted": "10 12 25",
    "Sadly surprised": "1 4 25 26",
    "Fearfully angry": "4 20 25",
    "Fearfully surprised": "1 2 5 20 25",
    "Fearfully disgusted": "1 4 10 20 25",
    "Angrily surprised": "4 25 26",
    "Angrily disgusted": "4 10 17",
    "Disgustedly surprised": "1 2 5 10",
    "Sadly disgusted, appalled or hatred": "4 10",
    "Awe": "1 2 5 25",
}
TABLES = tuple(_TABLES)
_PART = re.compile(r"(\d+)([A-E]?)")


def emotions(table: str, sadness: int | None = None) -> dict[str, Emotion]:
    """Return a table's emotions by name.

    Args:
        table: One of ``TABLES``.
        sadness: 14 or 15 to replace the other of these AUs in sadness; None to keep the table's.

    Raises:
        UserError: If the table is unknown, or ``sadness`` is another AU.
    """
    if table not in _TABLES:
        raise UserError(f"There is no table of emotions {table!r}; choose one of {', '.join(TABLES)}.")
    if sadness not in (None, 14, 15):
        raise UserError(f"--sadness is {sadness}; give 14 or 15, the AU that the table of 2017 may use.")
    found = {name: Emotion(name, _parts(text)) for name, text in _TABLES[table].items()}
    name = next(name for name in found if name.startswith("Sadness"))
    if sadness is not None:
        parts = (Part(sadness) if part.unit in (14, 15) else part for part in found[name].parts)
        found[name] = Emotion(name, tuple(parts))
    return found


def _parts(text: str) -> tuple[Part, ...]:
    return tuple(Part(int(unit), intensity(letter) if letter else None) for unit, letter in _PART.findall(text))
