"""The snapshot file: a Parquet table of URLs, and an id that its content alone decides.

The id is the SHA-256 (its first 20 hex digits) of the rows as JSON lists ``[url, sha256, split, group]``, a line
each, in the order of the URLs' code points. Where the second URL of a row lies says nothing of the set, and is left
out of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from affectflow.core.errors import UserError
from affectflow.datasets.sample import SPLITS
from affectflow.download.ledger import LEDGER_SCHEMA, inert
from affectflow.download.outcomes import OK
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import parquet_columns, parquet_note, parquet_rows, write_parquet

_COLUMNS = ("url", "url_orig", "sha256", "split", "group")
_NOTE = "affectflow.snapshot"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GROUP = re.compile(r"[\w-]{0,64}", re.ASCII)


class Entry(NamedTuple):
    """What a URL gave: the image's SHA-256, its side of the split, and its group of near duplicates ("": not split)."""

    url_orig: str
    sha256: str
    split: str
    group: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What each URL of a set gave."""

    entries: Mapping[str, Entry]

    @property
    def id(self) -> str:
        """What a score cites."""
        digest = hashlib.sha256()
        for url, (_, *rest) in sorted(self.entries.items()):
            digest.update(json.dumps([url, *rest]).encode() + b"\n")
        return digest.hexdigest()[:20]

    @property
    def has_splits(self) -> bool:
        """Whether it says on which side each image lies; it does so of all or of none."""
        return any(entry.split for entry in islice(self.entries.values(), 1))

    def images(self) -> dict[str, tuple[str, str]]:
        """Split and group of each distinct image, by SHA-256."""
        return {entry.sha256: (entry.split, entry.group) for entry in self.entries.values()}

    def check(self) -> None:
        """Raise :class:`ValueError` where an image or a group lies on two sides, or only some on any."""
        images: dict[str, tuple[str, str]] = {}
        sides: dict[str, str] = {}
        for url, (_, sha256, split, group) in self.entries.items():
            sound = url and _SHA256.fullmatch(sha256) and split in ("", *SPLITS) and bool(split) == bool(group)
            if not (sound and _GROUP.fullmatch(group)):
                raise ValueError(f"the row of {url[:200]!r} is none of a snapshot")
            if bool(split) != self.has_splits:
                raise ValueError("only some of its images have a split")
            if images.setdefault(sha256, (split, group)) != (split, group):
                raise ValueError(f"the image {sha256} belongs to two splits or groups")
            if sides.setdefault(group, split) != split:
                raise ValueError(f"the group {group} belongs to two splits")


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """The same set gives the same bytes."""
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in _COLUMNS], {_NOTE: snapshot.id})
    rows = ({"url": url, **entry._asdict()} for url, entry in sorted(snapshot.entries.items()))
    write_parquet(path, schema, rows)


def read_snapshot(path: Path) -> Snapshot:
    """Raises :class:`UserError` where a file is no snapshot, or not as it was made."""
    known = parquet_note(path, _NOTE)
    if not known:
        raise UserError(f"{path} is no snapshot; 'affectflow snapshot' writes one.")
    entries: dict[str, Entry] = {}
    for url, *cells in parquet_columns(path, _COLUMNS):
        if url in entries:
            raise UserError(f"{path} is no usable snapshot: it has {url[:200]!r} twice; have it made again.")
        entries[url] = Entry(*cells)
    snapshot = Snapshot(entries)
    if snapshot.id != known:
        raise UserError(f"{path} is not as it was made: it says {known[:40]!r} and holds {snapshot.id}; get it again.")
    try:
        snapshot.check()
    except ValueError as error:
        raise UserError(f"{path} is no usable snapshot: {error}; have it made again.") from None
    return snapshot


COLUMNS = ("url", "sha256", "split", "group", "outcome", "detail", "image")
_UNLISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a download came out beside a snapshot; ``differences`` are rows of ``COLUMNS``, in the snapshot's order."""

    id: str
    urls: int
    images: int
    differences: Sequence[tuple[str, ...]]
    lost: int
    """Images that no URL gave."""

    def summary(self) -> dict[str, Any]:
        """For a score file."""
        outcomes = Counter(row[COLUMNS.index("outcome")] for row in self.differences)
        return {
            "id": self.id,
            "urls": self.urls,
            "images": self.images,
            "images_lost": self.lost,
            "urls_that_differ": dict(sorted(outcomes.items())),
        }


def compare(reference: Snapshot, ledger: Path) -> Comparison:
    """Each URL of ``reference`` that did not give its image, with the outcome, or ``not_listed``.

    Its image may be there all the same, by another URL.
    """
    there: set[str] = set()
    found: dict[str, tuple[str, str, str]] = {}
    for row in parquet_rows(ledger, LEDGER_SCHEMA):
        if row["outcome"] == OK:
            there.add(row["sha256"])
        if row["url"] in reference.entries:
            found[row["url"]] = row["outcome"], row["detail"], row["sha256"]
    images = reference.images()
    differences = []
    for url, entry in reference.entries.items():
        outcome, detail, sha256 = found.get(url, (_UNLISTED, "", ""))
        if outcome == OK and sha256 == entry.sha256:
            continue
        if outcome == OK:  # fetched before it was known what was wanted
            outcome, detail = "changed", f"the image's SHA-256 is {sha256}"
        image = "came by another URL" if entry.sha256 in there else "lost"
        differences.append((url, entry.sha256, entry.split, entry.group, outcome, detail, image))
    return Comparison(reference.id, len(reference.entries), len(images), differences, len(images.keys() - there))


def write_differences(comparison: Comparison, path: Path) -> None:
    """A row for each URL that did not give its image."""
    write_csv(path, COLUMNS, (list(map(inert, row)) for row in comparison.differences))
