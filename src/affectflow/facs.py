"""The columns of the Facial Action Coding System as EmotioNet numbers them: AU 1 to AU 60.

Names after Ekman, Friesen and Hager, *FACS: The Manual* (2002), with head and eye positions 51-60 as in the
1978 edition's numbering that EmotioNet uses (Benitez-Quiroz et al., CVPR 2016).
"""

from __future__ import annotations

import re

COUNT = 60
UNKNOWN = -1  # in memory and in records; EmotioNet's files write 999
ABSENT = 0
PRESENT = 1

NAMES: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    8: "lips toward each other",
    9: "nose wrinkler",
    10: "upper lip raiser",
    11: "nasolabial deepener",
    12: "lip corner puller",
    13: "sharp lip puller",
    14: "dimpler",
    15: "lip corner depressor",
    16: "lower lip depressor",
    17: "chin raiser",
    18: "lip pucker",
    19: "tongue show",
    20: "lip stretcher",
    21: "neck tightener",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip presser",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    29: "jaw thrust",
    30: "jaw sideways",
    31: "jaw clencher",
    32: "lip bite",
    33: "blow",
    34: "puff",
    35: "cheek suck",
    36: "tongue bulge",
    37: "lip wipe",
    38: "nostril dilator",
    39: "nostril compressor",
    41: "lid droop",
    42: "slit",
    43: "eyes closed",
    44: "squint",
    45: "blink",
    46: "wink",
    51: "head turn left",
    52: "head turn right",
    53: "head up",
    54: "head down",
    55: "head tilt left",
    56: "head tilt right",
    57: "head forward",
    58: "head back",
}


def label(unit: int) -> str:
    """``12`` -> ``"AU12"``, the form used in score files and table columns."""
    return f"AU{unit}"


LABELS: tuple[str, ...] = tuple(label(unit) for unit in range(1, COUNT + 1))

_HEADER = re.compile(r"AU0*([1-9]\d*)", re.IGNORECASE)


def parse_label(text: str) -> int | None:
    """The number of the AU that a column is named after, or None.

    Accepts the spellings found in the wild: ``'AU 1'`` with literal quotes and blanks, ``AU01``, ``au12``.
    """
    match = _HEADER.fullmatch(re.sub(r"[\s'\"_]", "", text))
    if match is None:
        return None
    unit = int(match.group(1))
    return unit if unit <= COUNT else None
