"""Lists of URLs, read row by row, whatever their length."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yarl import URL

from affectflow.core.errors import UserError
from affectflow.download.outcomes import Failed
from affectflow.media import file_names as names
from affectflow.tables.csv_files import open_text
from affectflow.tables.parquet import parquet_columns, parquet_length

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_COLUMNS = ("url", "url_orig", "sha256")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RECENT = 1 << 16
_LONGEST_CELL = 10_000_000  # characters


class Row(NamedTuple):
    """A URL to fetch, another to try where that is dead (or ""), and the image's file name.

    ``sha256`` is the image that is wanted, in lower-case hex; with "" any image is.
    """

    url: str
    url_orig: str
    file_name: str
    key: int
    sha256: str = ""


def partition_rows(path: Path, partition: int, partitions: int) -> Iterator[Row]:
    """The distinct URLs of a list that belong to one partition, in the list's order.

    A URL belongs to a partition by its hash, never by its position, so that further rows leave the other partitions
    as they are. The list is a CSV or Parquet file with a column ``url`` (and ``url_orig``, ``sha256``), or a text with
    one URL a line. Raises :class:`UserError` where it is none of these.
    """
    seen = _Keys()
    for url, url_orig, sha256 in read_urls(path):
        digest = names.url_digest(url)
        key = names.key(digest)
        if key % partitions == partition and seen.add(key):
            yield Row(url, url_orig, names.name(url, digest), key, sha256)


def read_urls(path: Path) -> Iterator[tuple[str, str, str]]:
    """Every row's URL, second URL and SHA-256 ("" where there is none)."""
    if _is_parquet(path):
        return _of_parquet(path)
    return _of_text(path)


def estimate(path: Path) -> int:
    """About how many URLs a list has: its rows or lines."""
    if _is_parquet(path):
        return parquet_length(path)
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _of_parquet(path: Path) -> Iterator[tuple[str, str, str]]:
    for number, cells in enumerate(parquet_columns(path, _COLUMNS), 1):
        yield _row(path, number, *cells)


def _of_text(path: Path) -> Iterator[tuple[str, str, str]]:
    csv.field_size_limit(_LONGEST_CELL)
    with open_text(path) as stream:
        first = stream.readline()
        try:
            header = next(csv.reader([first]), [])
        except csv.Error:
            header = []
        stream.seek(0)
        if "url" in header:
            yield from _of_table(path, csv.reader(stream), header)
        elif path.suffix.lower() in (".csv", ".tsv") and "://" not in first:
            raise UserError(f"{path} has no column 'url'; name the column of URLs so, or give one URL a line.")
        else:
            yield from ((line.strip(), "", "") for line in stream if line.strip())


def _of_table(path: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[str, str, str]]:
    places = [header.index(name) if name in header else None for name in _COLUMNS]
    next(reader)
    row = 1
    try:
        for cells in reader:
            row += 1
            if cells:
                yield _row(path, row, *(cells[place] if place is not None else "" for place in places))
    except (csv.Error, IndexError) as error:
        reason = str(error) if isinstance(error, csv.Error) else "it has too few cells"
        raise UserError(f"{path}, row {row}: {reason}; mend that row.") from None


def _row(path: Path, number: int, url: str, url_orig: str, sha256: str) -> tuple[str, str, str]:
    if sha256:
        sha256 = sha256.strip().lower()
        if not _SHA256.fullmatch(sha256):
            raise UserError(f"{path}, row {number}: {sha256[:80]!r} is no SHA-256; mend that row.")
    return url, url_orig, sha256


class _Keys:
    """A set of 64-bit keys at about 8 bytes each."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._sorted: NDArray[np.uint64] | None = None

    def add(self, key: int) -> bool:
        """False when it was there already."""
        if key in self._recent or self._has(key):
            return False
        self._recent.add(key)
        if len(self._recent) == _RECENT:
            self._merge()
        return True

    def _has(self, key: int) -> bool:
        if self._sorted is None:
            return False
        import numpy as np

        place = int(np.searchsorted(self._sorted, np.uint64(key)))
        return place < len(self._sorted) and int(self._sorted[place]) == key

    def _merge(self) -> None:
        import numpy as np  # only for long lists

        recent = np.frombuffer(array("Q", self._recent), np.uint64)
        self._sorted = np.sort(recent if self._sorted is None else np.concatenate([self._sorted, recent]))
        self._recent.clear()


_LONGEST = 65_536


def parse_url(url: str) -> URL:
    """A URL to ask for, without user, password and fragment; raises :class:`Failed` where it is none."""
    if len(url) > _LONGEST:
        raise Failed("bad_url", f"{len(url)} characters, more than {_LONGEST}")
    try:
        parsed = URL(url.strip())
        usable = parsed.scheme in ("http", "https") and parsed.host and parsed.port
    except ValueError as error:
        raise Failed("bad_url", str(error)[:200]) from None
    if not usable:
        raise Failed("bad_url", "not an http or https URL with a host")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        parsed = parsed.with_user(None)
    return parsed.with_fragment(None) if parsed.raw_fragment else parsed
