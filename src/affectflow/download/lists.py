"""Divide lists of URLs of any length, row by row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from affectflow.download.list_files import read_urls
from affectflow.media import file_names as names

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RECENT = 1 << 16  # keys in a Python set, before they are merged into an array


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


def partition_rows(path: Path, partition: int, partitions: int, url_column: str | None = None) -> Iterator[Row]:
    """Yield the distinct URLs of a list that belong to one partition, in the list's order.

    A URL's partition depends on its digest, not on its position, so that further rows leave other partitions as they
    are.

    Args:
        path: The list (see :mod:`affectflow.download.list_files`).
        partition: The number of the partition, from 0.
        partitions: The number of partitions.
        url_column: The name of the column of URLs, None for ``url`` in any case.

    Raises:
        UserError: If the file is none of these.
    """
    seen = _Keys()
    for url, url_orig, sha256 in read_urls(path, url_column):
        digest = names.url_digest(url)
        key = names.key(digest)
        if key % partitions == partition and seen.add(key):
            yield Row(url, url_orig, names.name(url, digest), key, sha256)


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
