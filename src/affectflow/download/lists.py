"""Read lists of URLs of any length, row by row."""

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
_RECENT = 1 << 16  # keys in a Python set, before they are merged into an array
_MAX_CELL = 10_000_000  # characters
_MAX_URL = 65_536  # characters


class Row(NamedTuple):
    """A URL to fetch.

    Attributes:
        url: The URL as written in the list.
        url_orig: A second URL to fetch if the first fails, or "".
        file_name: The image's file name.
        key: 64 bits of the URL's digest.
        sha256: The digest of the expected image in lower-case hex; "" if any image is accepted.
    """

    url: str
    url_orig: str
    file_name: str
    key: int
    sha256: str = ""


def partition_rows(path: Path, partition: int, partitions: int) -> Iterator[Row]:
    """Yield the distinct URLs of a list that belong to one partition, in the list's order.

    A URL's partition depends on its digest, not on its position, so that further rows leave other partitions as they
    are.

    Args:
        path: A CSV or Parquet file with a column ``url`` (and ``url_orig``, ``sha256``), or a text with one URL a line.
        partition: The number of the partition, from 0.
        partitions: The number of partitions.

    Raises:
        UserError: If the file is none of these.
    """
    seen = _Keys()
    for url, url_orig, sha256 in read_urls(path):
        digest = names.url_digest(url)
        key = names.key(digest)
        if key % partitions == partition and seen.add(key):
            yield Row(url, url_orig, names.name(url, digest), key, sha256)


def read_urls(path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield the URL, second URL and SHA-256 of each row ("" if there is none)."""
    return _read_parquet(path) if _is_parquet(path) else _read_text(path)


def estimate(path: Path) -> int:
    """Estimate how many URLs a list has by its rows or lines."""
    if _is_parquet(path):
        return parquet_length(path)
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _read_parquet(path: Path) -> Iterator[tuple[str, str, str]]:
    for number, (url, url_orig, sha256) in enumerate(parquet_columns(path, _COLUMNS), 1):
        yield url, url_orig, _checked_sha256(path, number, sha256)


def _read_text(path: Path) -> Iterator[tuple[str, str, str]]:
    with open_text(path) as stream:
        first = stream.readline()
        try:
            header = next(_with_long_cells(csv.reader([first])), [])
        except csv.Error:
            header = []
        stream.seek(0)
        if "url" in header:
            yield from _read_table(path, csv.reader(stream), header)
        elif path.suffix.lower() in (".csv", ".tsv") and "://" not in first:
            raise UserError(f"{path} has no column 'url'; rename the column of URLs, or give one URL a line.")
        else:
            yield from ((line.strip(), "", "") for line in stream if line.strip())


def _read_table(path: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[str, str, str]]:
    columns = [header.index(name) if name in header else None for name in _COLUMNS]
    next(reader)
    row = 1
    try:
        for cells in _with_long_cells(reader):
            row += 1
            if cells:
                url, url_orig, sha256 = (cells[column] if column is not None else "" for column in columns)
                yield url, url_orig, _checked_sha256(path, row, sha256)
    except (csv.Error, IndexError) as error:
        reason = str(error) if isinstance(error, csv.Error) else "it has too few cells"
        raise UserError(f"{path}, row {row}: {reason}; correct that row.") from None


def _with_long_cells(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Read rows with cells longer than the csv module's limit, which holds for the whole process."""
    while True:
        limit = csv.field_size_limit(_MAX_CELL)
        try:
            row = next(reader, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield row


def _checked_sha256(path: Path, row: int, sha256: str) -> str:
    digest = sha256.strip().lower() if sha256 else ""
    if sha256 and not _SHA256.fullmatch(digest):
        raise UserError(f"{path}, row {row}: {digest[:80]!r} is not a SHA-256 of 64 hex digits; correct that row.")
    return digest


class _Keys:
    """A set of 64-bit keys at about 8 bytes each."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._sorted: NDArray[np.uint64] | None = None

    def add(self, key: int) -> bool:
        """Add a key; return False if it was there already."""
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


def parse_url(url: str) -> URL:
    """Parse a URL for a request, without user, password and fragment; raise :class:`Failed` if it is not usable."""
    if len(url) > _MAX_URL:
        raise Failed("bad_url", f"{len(url)} characters, more than {_MAX_URL}")
    try:
        parsed = URL(url.strip())
        host = parsed.host or ""  # with the blanks before a fragment
        usable = parsed.scheme in ("http", "https") and host and host == host.strip() and parsed.port
    except ValueError as error:
        raise Failed("bad_url", str(error)[:200]) from None
    if not usable:
        raise Failed("bad_url", "not an http or https URL with a host")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        parsed = parsed.with_user(None)
    return parsed.with_fragment(None) if parsed.raw_fragment else parsed
