"""The snapshot file: a Parquet table of URLs, and an id that its content alone decides.

The id is the SHA-256 (its first 20 hex digits) of the rows as JSON lists ``[url, sha256, split, group]``, a line
each, in the order of the URLs' code points. Where the second URL of a row lies says nothing of the set, and is left
out of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from affectflow.errors import UserError
from affectflow.splits import SPLITS
from affectflow.tables import parquet_columns, parquet_note, write_parquet

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
        """Whether it says on which side each picture lies; it does so of all or of none."""
        return any(entry.split for entry in islice(self.entries.values(), 1))

    def pictures(self) -> dict[str, tuple[str, str]]:
        """Split and group of each distinct image, by SHA-256."""
        return {entry.sha256: (entry.split, entry.group) for entry in self.entries.values()}

    def check(self) -> None:
        """Raise :class:`ValueError` where a picture or a group lies on two sides, or only some on any."""
        pictures: dict[str, tuple[str, str]] = {}
        sides: dict[str, str] = {}
        for url, (_, sha256, split, group) in self.entries.items():
            sound = url and _SHA256.fullmatch(sha256) and split in ("", *SPLITS) and bool(split) == bool(group)
            if not (sound and _GROUP.fullmatch(group)):
                raise ValueError(f"the row of {url[:200]!r} is none of a snapshot")
            if bool(split) != self.has_splits:
                raise ValueError("only some of its pictures have a split")
            if pictures.setdefault(sha256, (split, group)) != (split, group):
                raise ValueError(f"the picture {sha256} belongs to two splits or groups")
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
