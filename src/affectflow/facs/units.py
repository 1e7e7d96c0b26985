"""Describe the 60 codes: their kind, names in two editions of FACS, and muscles where FACS gives them.

Ekman and Friesen, *Facial Action Coding System* (1978); Ekman, Friesen and Hager, *FACS: The Manual* (2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a code describes."""

    ACTION_UNIT = "action unit"
    DESCRIPTOR = "action descriptor"
    """A movement whose muscles FACS does not give."""
    HEAD = "head movement"
    GROSS = "gross behaviour"
    UNDEFINED = "undefined"
    """FACS has no such code."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A code.

    Attributes:
        number: Its number.
        kind: What it describes.
        name: Its name in the edition of 2002, "" if that lacks it.
        name_1978: Its name in the edition of 1978, "" if that lacks it.
        muscles: Its muscles.
    """

    number: int
    kind: Kind
    name: str
    name_1978: str
    muscles: tuple[str, ...] = ()


_ORBICULARIS_ORIS = "orbicularis oris"
_PALPEBRAL = "orbicularis oculi, pars palpebralis"
_RELAXED_LEVATOR = "relaxation of levator palpebrae superioris"

# Name and muscles. A name is the same in both editions unless it is in _IN_1978 or _NOT_IN_2002.
_ACTION_UNITS: dict[int, tuple[str, ...]] = {
    1: ("inner brow raiser", "frontalis, pars medialis"),
    2: ("outer brow raiser", "frontalis, pars lateralis"),
    4: ("brow lowerer", "depressor glabellae", "depressor supercilii", "corrugator supercilii"),
    5: ("upper lid raiser", "levator palpebrae superioris"),
    6: ("cheek raiser", "orbicularis oculi, pars orbitalis"),
    7: ("lid tightener", _PALPEBRAL),
    8: ("lips toward each other", _ORBICULARIS_ORIS),
    9: ("nose wrinkler", "levator labii superioris alaeque nasi"),
    10: ("upper lip raiser", "levator labii superioris"),
    11: ("nasolabial deepener", "zygomaticus minor"),
    12: ("lip corner puller", "zygomaticus major"),
    13: ("sharp lip puller", "levator anguli oris"),
    14: ("dimpler", "buccinator"),
    15: ("lip corner depressor", "depressor anguli oris"),
    16: ("lower lip depressor", "depressor labii inferioris"),
    17: ("chin raiser", "mentalis"),
    18: ("lip pucker", "incisivii labii superioris", "incisivii labii inferioris"),
    20: ("lip stretcher", "risorius with platysma"),
    21: ("neck tightener", "platysma"),
    22: ("lip funneler", _ORBICULARIS_ORIS),
    23: ("lip tightener", _ORBICULARIS_ORIS),
    24: ("lip presser", _ORBICULARIS_ORIS),
    25: ("lips part", "depressor labii inferioris, or relaxation of mentalis or orbicularis oris"),
    26: ("jaw drop", "masseter", "relaxed temporalis and internal pterygoid"),
    27: ("mouth stretch", "pterygoids", "digastric"),
    28: ("lip suck", _ORBICULARIS_ORIS),
    38: ("nostril dilator", "nasalis, pars alaris"),
    39: ("nostril compressor", "nasalis, pars transversa", "depressor septi nasi"),
    41: ("lid droop", _RELAXED_LEVATOR),
    42: ("slit", _PALPEBRAL),
    43: ("eyes closed", _RELAXED_LEVATOR, _PALPEBRAL),
    44: ("squint", _PALPEBRAL),
    45: ("blink", _RELAXED_LEVATOR, _PALPEBRAL),
    46: ("wink", _RELAXED_LEVATOR, _PALPEBRAL),
}
_OTHERS: dict[Kind, dict[int, str]] = {
    Kind.DESCRIPTOR: {
        19: "tongue show",
        29: "jaw thrust",
        30: "jaw sideways",
        31: "jaw clencher",
        32: "lip bite",
        33: "cheek blow",
        34: "cheek puff",
        35: "cheek suck",
        36: "tongue bulge",
        37: "lip wipe",
    },
    Kind.GROSS: {40: "sniff", 50: "speech"},
    Kind.HEAD: {
        51: "head turn left",
        52: "head turn right",
        53: "head up",
        54: "head down",
        55: "head tilt left",
        56: "head tilt right",
        57: "head forward",
        58: "head back",
        59: "head shake up and down",
        60: "head shake side to side",
    },
    Kind.UNDEFINED: dict.fromkeys((3, 47, 48, 49), ""),
}
_IN_1978 = {13: "cheek puffer"}
_NOT_IN_2002 = (41, 42)
"""Lid droop and slit: since 2002 they are intensities of 43, eyes closed."""


def _units() -> dict[int, Unit]:
    found = {
        number: Unit(
            number,
            Kind.ACTION_UNIT,
            "" if number in _NOT_IN_2002 else name,
            _IN_1978.get(number, name),
            tuple(muscles),
        )
        for number, (name, *muscles) in _ACTION_UNITS.items()
    }
    for kind, names in _OTHERS.items():
        found |= {number: Unit(number, kind, name, name) for number, name in names.items()}
    return dict(sorted(found.items()))


UNITS: dict[int, Unit] = _units()
"""All 60, by number."""
