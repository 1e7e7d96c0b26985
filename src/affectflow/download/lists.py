"""Lists of URLs, read row by row, whatever their length."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from affectflow import names
from affectflow.errors import UserError
from affectflow.tables import open_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RECENT = 1 << 16
_LONGEST_CELL = 10_000_000  # characters


class Row(NamedTuple):
    """A URL to fetch, another to try where that is dead (or ""), and the image's file name."""

    url: str
    url_orig: str
    file_name: str
    key: int


def partition_rows(path: Path, partition: int, partitions: int) -> Iterator[Row]:
    """The distinct URLs of a list that belong to one partition, in the list's order.

    A URL belongs to a partition by its hash, never by its position, so that further rows leave the other partitions
    as they are. The list is a CSV with a column ``url`` (and ``url_orig``), or a text with one URL a line. Raises
    :class:`UserError` where it is neither.
    """
    seen = _Keys()
    for url, url_orig in read_urls(path):
        digest = names.url_digest(url)
        key = names.key(digest)
        if key % partitions == partition and seen.add(key):
            yield Row(url, url_orig, names.name(url, digest), key)


def read_urls(path: Path) -> Iterator[tuple[str, str]]:
    """Every row's URL and second URL ("" where there is none)."""
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
            yield from ((line.strip(), "") for line in stream if line.strip())


def _of_table(path: Path, reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[str, str]]:
    first, second = header.index("url"), header.index("url_orig") if "url_orig" in header else None
    next(reader)
    row = 1
    try:
        for cells in reader:
            row += 1
            if cells:
                yield cells[first], cells[second] if second is not None else ""
    except (csv.Error, IndexError) as error:
        reason = str(error) if isinstance(error, csv.Error) else "it has too few cells"
        raise UserError(f"{path}, row {row}: {reason}; mend that row.") from None


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
