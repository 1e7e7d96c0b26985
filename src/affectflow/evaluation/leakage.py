"""What a model was trained on beside what it is scored on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from affectflow.core.atomic import atomic_write
from affectflow.core.parallel import over_processes
from affectflow.core.progress import progress
from affectflow.datasets import get_dataset, people_of
from affectflow.datasets.media import MetadataOnly
from affectflow.media.images import difference_hash
from affectflow.media.near_duplicates import hashes_of, nearest
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import read_parquet, write_parquet

PAIRS_COLUMNS = ("kind", "benchmark", "trained_on", "trained", "bits")
EXACT, NEAR, SUBJECT = "exact", "near", "subject"
Pair = tuple[str, str, str, str, int | None]
"""A row of the table of pairs."""


@dataclass(frozen=True, slots=True)
class Side:
    """A split of a data set, and the table of the whole set's images."""

    dataset: str
    root: Path
    split: str
    images: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Images:
    dataset: str
    sources: list[str]
    subjects: list[str]
    sha256: list[str]
    hashes: NDArray[np.uint16]


def check_leakage(benchmark: Side, trained: Sequence[Side], max_bits: int, pairs: Path, counts: Path) -> dict[str, int]:
    """Write the overlapping images and people as a table, and how many they are; returns the latter.

    A benchmark's image is counted once, as ``exact`` where a training image has the same pixels, else as ``near``
    where one's perceptual hash differs in at most ``max_bits`` of 256; the nearest is named. A ``subject`` is a
    person whom both sides name. Images without contrast look like each other and are compared by their pixels alone.
    """
    asked = _read(benchmark)
    known = [_read(side) for side in trained]
    found = list(_pairs(asked, known, max_bits))
    write_csv(pairs, PAIRS_COLUMNS, found)
    kinds = [row[0] for row in found]
    result = {
        "images": len(asked.sources),
        "exact": kinds.count(EXACT),
        "near": kinds.count(NEAR),
        "subjects": kinds.count(SUBJECT),
        "compared_with": sum(len(one.sources) for one in known),
        "max_bits": max_bits,
    }
    with atomic_write(counts) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def _read(side: Side) -> _Images:
    table = read_parquet(side.images, IMAGES_SCHEMA)
    groups = set(get_dataset(side.dataset, side.root, side.split, MetadataOnly()).groups())
    table = table.filter([group in groups for group in table["group"].to_pylist()])
    columns = {name: table[name].to_pylist() for name in ("source", "subject", "sha256", "dhash")}
    return _Images(side.dataset, columns["source"], columns["subject"], columns["sha256"], hashes_of(columns["dhash"]))


def _pairs(asked: _Images, known: Sequence[_Images], max_bits: int) -> Iterator[Pair]:
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


def _people(images: _Images) -> dict[tuple[str, str], str]:
    """Named people, by the set whose names they bear."""
    family = people_of(images.dataset)
    return {(family, subject.upper()): subject for subject in images.subjects if subject}


IMAGES_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("group", pa.string()),
        ("subject", pa.string()),
        ("sha256", pa.string()),
        ("dhash", pa.string()),
    ]
)
"""``sha256`` is of the pixels, whatever file they lie in; ``dhash`` is the perceptual hash, hex of 256 bits."""


def digest_images(name: str, root: Path, split: str, processes: int, out: Path) -> int:
    """Write a row for each labelled image or frame of a data set; returns their number.

    Raises :class:`UserError` as the data set does.
    """
    parts = get_dataset(name, root, split, MetadataOnly()).parts()
    look = partial(_digest_part, name=name, root=root, split=split)
    with progress(len(parts), "part", "digest") as bar:

        def rows() -> Iterator[dict[str, Any]]:
            for found in over_processes(look, parts, processes):
                bar.update()
                yield from found

        return write_parquet(out, IMAGES_SCHEMA, rows())


def _digest_part(part: str, name: str, root: Path, split: str) -> list[dict[str, Any]]:
    rows = []
    for sample in get_dataset(name, root, split).samples_of(part):
        pixels = sample.image.rgb()
        rows.append(
            {
                "source": sample.source,
                "group": sample.group,
                "subject": sample.subject,
                "sha256": hashlib.sha256(f"{pixels.shape}".encode() + pixels.tobytes()).hexdigest(),
                "dhash": difference_hash(Image.fromarray(pixels)).hex(),
            }
        )
    return rows
