"""The append-only record behind a ledger: a line for each finished URL, safe against a kill at any byte.

A line is ``CRC-32 KEY TIME BYTES JSON``: a checksum of the rest, the URL's 64-bit key, milliseconds since 1970, the
image's size (0 for a failure), each of fixed width, and the outcome. Of a long journal only the first four are kept
in memory, 32 bytes a URL; what a URL came to is read when it is asked for. A line that a kill or a lost disk tore
fails its checksum and is as good as not there.
"""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from affectflow.core.errors import UserError
from affectflow.download.lists import Row
from affectflow.download.outcomes import OK, Outcome

_OUTCOME = {field.name: field.default for field in fields(Outcome)}
_KEY, _TIME, _BYTES, _JSON = 9, 26, 40, 52  # where they begin


class Entry(NamedTuple):
    """What was last known of a URL: the image's bytes (0 for a failure) and when (seconds since 1970)."""

    bytes: int
    at: float
    place: int


class Journal:
    """Writes a partition's outcomes; use as a context manager. One process at a time may."""

    def __init__(self, folder: Path, partition: int, partitions: int) -> None:
        self._path = folder / f"{partition:04d}-of-{partitions:04d}.jsonl"

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: IO[bytes] = self._path.open("a+b", buffering=0)
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = self._stream.seek(0, os.SEEK_END)
            if size:
                self._stream.seek(size - 1)
                if self._stream.read(1) != b"\n":
                    self._write(b"\n")  # fence off a line that a kill tore
        except BlockingIOError:
            raise UserError(f"{self._path} is being written by another download; wait until that has ended.") from None
        except OSError as error:
            raise UserError(f"{self._path} cannot be written ({error.strerror}); make room and run again.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def append(self, row: Row, stamp: str, outcome: Outcome) -> None:
        """Record what became of a row. Raises :class:`UserError` when it cannot be written."""
        known = {name: value for name, default in _OUTCOME.items() if (value := getattr(outcome, name)) != default}
        text = json.dumps({"url": row.url, "stamp": stamp, **known})
        size = outcome.bytes or 0 if outcome.outcome == OK else 0
        line = f"{row.key:016x} {int(outcome.last_try * 1000):013d} {size:011d} {text}".encode()
        try:
            self._write(b"%08x %b\n" % (zlib.crc32(line), line))
        except OSError as error:
            raise UserError(f"{self._path} cannot be written ({error.strerror}); make room and run again.") from None

    def _write(self, line: bytes) -> None:
        written = self._stream.write(line)
        if written != len(line):  # the disk became full within the line, which its checksum will tell
            raise OSError(28, os.strerror(28))


class Index:
    """The latest line of each URL of a partition; a context manager.

    Lines written under another division into partitions are found too, so that a changed number of partitions
    fetches nothing again.
    """

    def __init__(self, folder: Path, partition: int, partitions: int) -> None:
        self._paths = sorted(folder.glob("*.jsonl"))
        self._open = ExitStack()
        self._streams: dict[int, IO[bytes]] = {}
        keys, times, sizes, places = array("Q"), array("q"), array("q"), array("q")
        for number, path in enumerate(self._paths):
            if path.name.endswith(f"-of-{partitions:04d}.jsonl") and int(path.name.partition("-")[0]) != partition:
                continue
            for place, line in _sound_lines(path):
                key = int(line[_KEY : _KEY + 16], 16)
                if key % partitions == partition:
                    keys.append(key)
                    times.append(int(line[_TIME : _TIME + 13]))
                    sizes.append(int(line[_BYTES : _BYTES + 11]))
                    places.append(number << 44 | place)
        self._keys, self._times, self._sizes, self._places = _latest(keys, times, sizes, places)

    def __len__(self) -> int:
        return len(self._keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def get(self, key: int) -> Entry | None:
        """What is known of the URL with this key."""
        i = bisect_left(self._keys, key)
        return self._entry(i) if i < len(self._keys) and self._keys[i] == key else None

    def successes(self, at_most: int) -> Iterator[Entry]:
        """Some entries of images, from all over the journal."""
        step = max(1, len(self) // at_most)
        return (entry for i in range(0, len(self), step) if (entry := self._entry(i)).bytes)

    def _entry(self, i: int) -> Entry:
        return Entry(self._sizes[i], self._times[i] / 1000, self._places[i])

    def read(self, entry: Entry) -> tuple[str, str, Outcome]:
        """An entry's URL, stamp and outcome."""
        stream = self._stream(entry.place >> 44)
        stream.seek(entry.place & (1 << 44) - 1)
        fields: dict[str, Any] = json.loads(stream.readline()[_JSON:].decode())
        return fields.pop("url"), fields.pop("stamp"), Outcome(**fields)

    def _stream(self, number: int) -> IO[bytes]:
        if number not in self._streams:
            self._streams[number] = self._open.enter_context(self._paths[number].open("rb"))
        return self._streams[number]


def _latest(*columns: array[int]) -> Iterator[array[int]]:
    """Of keys, times and whatever goes with them: the rows with each key's latest time, by key."""
    if not columns[0]:
        return iter(columns)
    import numpy as np  # only where there is something to sort

    keys, times, *_ = arrays = [np.frombuffer(column, column.typecode) for column in columns]
    order = np.lexsort((times, keys))
    sorted_keys = keys[order]
    chosen = order[np.append(sorted_keys[1:] != sorted_keys[:-1], True)]
    # To look one up in an array of the standard library's takes a third of the time.
    return (array(column.typecode, values[chosen].tobytes()) for column, values in zip(columns, arrays, strict=True))


def _sound_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    place = 0
    with path.open("rb") as stream:
        for line in stream:
            if line[-1:] == b"\n" and line[8:9] == b" " and line[:8] == b"%08x" % zlib.crc32(line[9:-1]):
                yield place, line
            place += len(line)
