"""The append-only log behind a ledger: one line for each finished URL.

A line is a JSON object with its checksum (see :mod:`affectflow.core.append_log`), then the URL's 64-bit key,
milliseconds since 1970 and the image's size (0 for a failure), each at a fixed position, and then the outcome. An
:class:`Index` keeps key, time, size and position in memory, 32 bytes for each URL, and reads outcomes on request.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from affectflow.core.append_log import FRAME_LENGTH, AppendFile, frame, framed_lines
from affectflow.core.errors import UserError
from affectflow.core.writer_lock import one_writer
from affectflow.download.lists import Row
from affectflow.download.outcomes import STORED, Outcome

_DEFAULTS = {field.name: field.default for field in fields(Outcome)}
WRITER = "download"
_START = '{"key": "%016x", "time_ms": %13d, "image_bytes": %11d, '
_KEY = slice(FRAME_LENGTH + 8, FRAME_LENGTH + 24)
_TIME = slice(FRAME_LENGTH + 38, FRAME_LENGTH + 51)
_BYTES = slice(FRAME_LENGTH + 68, FRAME_LENGTH + 79)
_POSITION_BITS = 44  # the bits above are the file's number


class Entry(NamedTuple):
    """The latest line of a URL: the image's bytes (0 for a failure), seconds since 1970, and where the line is."""

    bytes: int
    at: float
    position: int


class Journal:
    """Write a partition's outcomes; a context manager.

    One process at a time can write a partition, and no download with another number of partitions may write beside it.
    """

    def __init__(self, folder: Path, partition: int, partitions: int) -> None:
        self._folder, self._work = folder, f"{partitions} partitions"
        self._path = folder / f"{partition:04d}-of-{partitions:04d}.jsonl"
        self._lock = ExitStack()

    def __enter__(self) -> Self:
        self._lock.enter_context(one_writer(self._folder, WRITER, self._work))
        try:
            self._file = AppendFile(self._path, WRITER, sync=False)
        except UserError:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.close()

    def append(self, row: Row, cache_key: str, outcome: Outcome) -> None:
        """Append a row's outcome.

        Args:
            row: The row of the list.
            cache_key: The key of the settings and code under which the outcome is final.
            outcome: The result of the row.

        Raises:
            UserError: If the line cannot be written.
        """
        known = {name: value for name, default in _DEFAULTS.items() if (value := getattr(outcome, name)) != default}
        text = json.dumps({"url": row.url, "cache_key": cache_key, **known})
        size = outcome.bytes or 0 if outcome.outcome in STORED else 0
        self._file.append(frame(_START % (row.key, int(outcome.last_try * 1000), size) + text[1:]))


class Index:
    """The latest line of each URL of a partition; a context manager.

    Lines that were written with another number of partitions are found too, so that changing the number fetches
    nothing again.
    """

    def __init__(self, folder: Path, partition: int, partitions: int) -> None:
        self._paths = sorted(folder.glob("*.jsonl"))
        self._open = ExitStack()
        self._streams: dict[int, IO[bytes]] = {}
        keys, times, sizes, positions = array("Q"), array("q"), array("q"), array("q")
        for number, path in enumerate(self._paths):
            if path.name.endswith(f"-of-{partitions:04d}.jsonl") and int(path.name.partition("-")[0]) != partition:
                continue
            for position, line in framed_lines(path):
                key = int(line[_KEY], 16)
                if key % partitions == partition:
                    keys.append(key)
                    times.append(int(line[_TIME]))
                    sizes.append(int(line[_BYTES]))
                    positions.append(number << _POSITION_BITS | position)
        self._keys, self._times, self._sizes, self._positions = _latest(keys, times, sizes, positions)

    def __len__(self) -> int:
        return len(self._keys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def get(self, key: int) -> Entry | None:
        """Return the latest entry of the URL with this key."""
        i = bisect_left(self._keys, key)
        return self._entry(i) if i < len(self._keys) and self._keys[i] == key else None

    def successes(self, at_most: int) -> Iterator[Entry]:
        """Yield some entries of images, evenly spread over the journal."""
        step = max(1, len(self) // at_most)
        return (entry for i in range(0, len(self), step) if (entry := self._entry(i)).bytes)

    def read(self, entry: Entry) -> tuple[str, str, Outcome]:
        """Read an entry's URL, cache key and outcome."""
        stream = self._stream(entry.position >> _POSITION_BITS)
        stream.seek(entry.position & (1 << _POSITION_BITS) - 1)
        content: dict[str, Any] = json.loads(stream.readline())
        outcome = Outcome(**{name: content[name] for name in _DEFAULTS if name in content})
        return content["url"], content["cache_key"], outcome

    def _entry(self, i: int) -> Entry:
        return Entry(self._sizes[i], self._times[i] / 1000, self._positions[i])

    def _stream(self, number: int) -> IO[bytes]:
        if number not in self._streams:
            self._streams[number] = self._open.enter_context(self._paths[number].open("rb"))
        return self._streams[number]


def _latest(*columns: array[int]) -> Iterator[array[int]]:
    """Select from columns (keys, times, others) the rows with each key's latest time, sorted by key."""
    if not columns[0]:
        return iter(columns)
    import numpy as np  # a new download has nothing to sort

    keys, times, *_ = arrays = [np.frombuffer(column, column.typecode) for column in columns]
    order = np.lexsort((times, keys))
    sorted_keys = keys[order]
    chosen = order[np.append(sorted_keys[1:] != sorted_keys[:-1], True)]
    # bisect takes a third of the time on the standard library's arrays.
    return (array(column.typecode, values[chosen].tobytes()) for column, values in zip(columns, arrays, strict=True))
