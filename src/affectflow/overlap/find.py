"""What a model was trained on beside what it is scored on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.datasets import get_dataset
from affectflow.datasets.media import Glance
from affectflow.overlap.nearest import hashes_of, nearest
from affectflow.overlap.pictures import PICTURES_SCHEMA
from affectflow.tables import read_parquet, whole, write_csv

PAIRS_COLUMNS = ("kind", "benchmark", "trained_on", "trained", "bits")
EXACT, NEAR, SUBJECT = "exact", "near", "subject"
Pair = tuple[str, str, str, str, int | None]
"""A row of the table of pairs."""
_PEOPLE = {"disfaplus": "disfa", "affwild2": "affwild"}
"""Sets that name the people of another set as that one does: DISFA+ is of some of DISFA's subjects."""


@dataclass(frozen=True, slots=True)
class Side:
    """A split of a data set, and the table of the whole set's pictures."""

    dataset: str
    root: Path
    split: str
    pictures: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Pictures:
    dataset: str
    sources: list[str]
    subjects: list[str]
    sha256: list[str]
    hashes: NDArray[np.uint16]


def find_overlap(benchmark: Side, trained: Sequence[Side], max_bits: int, pairs: Path, counts: Path) -> dict[str, int]:
    """Write the overlapping pictures and people as a table, and how many they are; returns the latter.

    A benchmark's picture is counted once, as ``exact`` where a training picture has the same pixels, else as ``near``
    where one's perceptual hash differs in at most ``max_bits`` of 256; the nearest is named. A ``subject`` is a
    person whom both sides name. Pictures without contrast look like each other and are compared by their pixels alone.
    """
    asked = _read(benchmark)
    known = [_read(side) for side in trained]
    found = list(_pairs(asked, known, max_bits))
    write_csv(pairs, PAIRS_COLUMNS, found)
    kinds = [row[0] for row in found]
    result = {
        "pictures": len(asked.sources),
        "exact": kinds.count(EXACT),
        "near": kinds.count(NEAR),
        "subjects": kinds.count(SUBJECT),
        "compared_with": sum(len(one.sources) for one in known),
        "max_bits": max_bits,
    }
    with whole(counts) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _read(side: Side) -> _Pictures:
    table = read_parquet(side.pictures, PICTURES_SCHEMA)
    groups = set(get_dataset(side.dataset, side.root, side.split, Glance()).groups())
    table = table.filter([group in groups for group in table["group"].to_pylist()])
    columns = {name: table[name].to_pylist() for name in ("source", "subject", "sha256", "dhash")}
    return _Pictures(
        side.dataset, columns["source"], columns["subject"], columns["sha256"], hashes_of(columns["dhash"])
    )


def _pairs(asked: _Pictures, known: Sequence[_Pictures], max_bits: int) -> Iterator[Pair]:
    same: dict[str, tuple[str, str]] = {}
    for one in reversed(known):
        for source, digest in zip(reversed(one.sources), reversed(one.sha256), strict=True):
            same[digest] = (one.dataset, source)
    looks = [(one, *nearest(asked.hashes, one.hashes, max_bits)) for one in known]
    for i, (source, digest) in enumerate(zip(asked.sources, asked.sha256, strict=True)):
        if digest in same:
            yield EXACT, source, *same[digest], 0
            continue
        one, place, bits = min(looks, key=lambda look: look[2][i])
        if place[i] >= 0:
            yield NEAR, source, one.dataset, one.sources[place[i]], int(bits[i])
    people = _people(asked)
    for one in known:
        for person in sorted(people.keys() & _people(one).keys()):
            yield SUBJECT, people[person], one.dataset, _people(one)[person], None


def _people(pictures: _Pictures) -> dict[tuple[str, str], str]:
    """Named people, by the set whose names they bear."""
    family = _PEOPLE.get(pictures.dataset, pictures.dataset)
    return {(family, subject.upper()): subject for subject in pictures.subjects if subject}
