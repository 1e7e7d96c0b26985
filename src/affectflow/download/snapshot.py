"""Read, write and compare snapshots: Parquet tables of a data set's URLs and images, identified by their content.

The id is the first 20 hex digits of the SHA-256 of the rows as JSON lists ``[url, sha256, split, group]``, one a line,
sorted by the URLs' code points. The second URL of a row does not belong to the set's identity and is left out.
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
from affectflow.download.outcomes import STORED
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import parquet_columns, parquet_note, parquet_rows, write_parquet

_COLUMNS = ("url", "url_orig", "sha256", "split", "group")
_NOTE = "affectflow.snapshot"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_GROUP = re.compile(r"[\w-]{0,64}", re.ASCII)
COLUMNS = ("url", "sha256", "split", "group", "outcome", "detail", "image")
"""Columns of the differences between a snapshot and a download."""
_NOT_LISTED = "not_listed"


class Entry(NamedTuple):
    """The image of a URL: its SHA-256, its split and its group of near duplicates (both "" if there are no splits)."""

    url_orig: str
    sha256: str
    split: str
    group: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The images of a data set, by URL."""

    entries: Mapping[str, Entry]

    @property
    def id(self) -> str:
        """The digest of the content, by which scores name the snapshot."""
        digest = hashlib.sha256()
        for url, (_, *rest) in sorted(self.entries.items()):
            digest.update(json.dumps([url, *rest]).encode() + b"\n")
        return digest.hexdigest()[:20]

    @property
    def has_splits(self) -> bool:
        """Whether images have a split; all have one, or none has."""
        return any(entry.split for entry in islice(self.entries.values(), 1))

    def images(self) -> dict[str, tuple[str, str]]:
        """Return split and group of each distinct image, by SHA-256."""
        return {entry.sha256: (entry.split, entry.group) for entry in self.entries.values()}

    def check(self) -> None:
        """Raise :class:`ValueError` for an invalid row, an image or group in two splits, or a split of only some."""
        images: dict[str, tuple[str, str]] = {}
        splits: dict[str, str] = {}
        for url, (_, sha256, split, group) in self.entries.items():
            valid = url and _SHA256.fullmatch(sha256) and split in ("", *SPLITS) and bool(split) == bool(group)
            if not (valid and _GROUP.fullmatch(group)):
                raise ValueError(f"the row of {url[:200]!r} is not valid in a snapshot")
            if bool(split) != self.has_splits:
                raise ValueError("only some of its images have a split")
            if images.setdefault(sha256, (split, group)) != (split, group):
                raise ValueError(f"the image {sha256} belongs to two splits or groups")
            if splits.setdefault(group, split) != split:
                raise ValueError(f"the group {group} belongs to two splits")


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot; the same data set gives the same bytes.

    Args:
        snapshot: The snapshot.
        path: The Parquet file to write.
    """
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in _COLUMNS], {_NOTE: snapshot.id})
    rows = ({"url": url, **entry._asdict()} for url, entry in sorted(snapshot.entries.items()))
    write_parquet(path, schema, rows)


def read_snapshot(path: Path) -> Snapshot:
    """Read a snapshot; raise :class:`UserError` if the file is not one, or was changed since it was written."""
    identity = parquet_note(path, _NOTE)
    if not identity:
        raise UserError(f"{path} is not a snapshot; 'affectflow snapshot' writes one.")
    entries: dict[str, Entry] = {}
    for url, *cells in parquet_columns(path, _COLUMNS):
        if url in entries:
            raise UserError(f"{path} is not a valid snapshot: it has {url[:200]!r} twice; create it again.")
        entries[url] = Entry(*cells)
    snapshot = Snapshot(entries)
    if snapshot.id != identity:
        raise UserError(
            f"{path} was changed: it says {identity[:40]!r} and its content has the id {snapshot.id}; get the original."
        )
    try:
        snapshot.check()
    except ValueError as error:
        raise UserError(f"{path} is not a valid snapshot: {error}; create it again.") from None
    return snapshot


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a download with a snapshot.

    Attributes:
        id: The snapshot's id.
        urls: How many URLs the snapshot has.
        images: How many distinct images it has.
        differences: Rows of ``COLUMNS``, in the snapshot's order.
        lost: How many of its images were not downloaded from any URL.
    """

    id: str
    urls: int
    images: int
    differences: Sequence[tuple[str, ...]]
    lost: int

    def summary(self) -> dict[str, Any]:
        """Summarize the comparison for a score file."""
        outcomes = Counter(row[COLUMNS.index("outcome")] for row in self.differences)
        return {
            "id": self.id,
            "urls": self.urls,
            "images": self.images,
            "images_lost": self.lost,
            "urls_that_differ": dict(sorted(outcomes.items())),
        }


def compare(reference: Snapshot, ledger: Path) -> Comparison:
    """Find the URLs of a snapshot from which its image was not downloaded.

    Args:
        reference: The snapshot.
        ledger: The download's ledger.

    Returns:
        These URLs with their outcomes (``not_listed`` for URLs that are not in the ledger). An image may have been
        downloaded from another URL all the same.
    """
    stored: set[str] = set()
    found: dict[str, tuple[str, str, str]] = {}
    for row in parquet_rows(ledger, LEDGER_SCHEMA):
        if row["outcome"] in STORED:
            stored.add(row["sha256"])
        if row["url"] in reference.entries:
            found[row["url"]] = row["outcome"], row["detail"], row["sha256"]
    images = reference.images()
    differences = []
    for url, entry in reference.entries.items():
        outcome, detail, sha256 = found.get(url, (_NOT_LISTED, "", ""))
        if outcome in STORED and sha256 == entry.sha256:
            continue
        if outcome in STORED:  # fetched without the snapshot
            outcome, detail = "changed", f"the image's SHA-256 is {sha256}"
        image = "came by another URL" if entry.sha256 in stored else "lost"
        differences.append((url, entry.sha256, entry.split, entry.group, outcome, detail, image))
    return Comparison(reference.id, len(reference.entries), len(images), differences, len(images.keys() - stored))


def write_differences(comparison: Comparison, path: Path) -> None:
    """Write a CSV row for each URL from which its image was not downloaded.

    Args:
        comparison: The comparison of a download with a snapshot.
        path: The CSV file to write.
    """
    write_csv(path, COLUMNS, (list(map(inert, row)) for row in comparison.differences))
