"""How each benchmark is scored: which labels count, what is positive, and which output answers for it."""

from __future__ import annotations

from dataclasses import dataclass

from affectflow import facs


@dataclass(frozen=True, slots=True)
class Protocol:
    """``labels`` maps the name of each occurrence label to the AU whose output is scored by it."""

    name: str
    positive_if: str
    labels: dict[str, int]
    affect: bool
    """Whether valence and arousal are scored."""
    subject: str
    """What a subject is here, for counting: ``subject``, ``video``, ``group`` or ``picture``."""


def _units(*units: int) -> dict[str, int]:
    return {facs.label(unit): unit for unit in units}


PROTOCOLS: dict[str, Protocol] = {
    # The eight AUs and the threshold on intensity that the literature on DISFA reports.
    "disfa": Protocol(
        "disfa occurrence, 8 action units, all labelled frames",
        "intensity >= 2",
        _units(1, 2, 4, 6, 9, 12, 25, 26),
        affect=False,
        subject="subject",
    ),
    # McDuff et al. 2013: smile is no FACS AU; the nearest output is AU12.
    "amfed": Protocol(
        "am-fed occurrence, frames of disagreeing coders left out",
        "seen by at least 50% of the coders, negative at 0%, 1-49% left out",
        {"Smile": 12, **_units(2, 4, 5, 9, 10, 12, 14, 15, 17, 18, 26, 57, 58)},
        affect=False,
        subject="video",
    ),
    "disfaplus": Protocol(
        "disfa+ occurrence, 12 action units, all labelled pictures",
        "intensity >= 2",
        _units(1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26),
        affect=False,
        subject="subject",
    ),
    "affwild": Protocol("aff-wild valence and arousal", "no occurrence labels", {}, affect=True, subject="video"),
    "affwild2": Protocol("aff-wild2 valence and arousal", "no occurrence labels", {}, affect=True, subject="video"),
    "own": Protocol(
        "all labels of one's own", "label 1", _units(*range(1, facs.COUNT + 1)), affect=True, subject="group"
    ),
    # The 23 AUs of the EmotioNet challenge of 2020.
    "emotionet": Protocol(
        "emotionet challenge 2020 action units, test split",
        "label 1",
        _units(*facs.SUBSETS["emotionet2020"]),
        affect=True,
        subject="picture",
    ),
}
