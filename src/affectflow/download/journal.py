"""The append-only record behind a partition's ledger: a line per finished URL, safe against a kill at any byte."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from affectflow.download.outcomes import OUTCOMES, Outcome
from affectflow.errors import UserError


class Journal:
    """Outcomes by URL, kept in ``folder``; one file for each partition.

    Lines written under another division into partitions are read too, so that a changed number of partitions
    fetches nothing again.
    """

    def __init__(self, folder: Path, partition: int, partitions: int) -> None:
        self._folder = folder
        self._path = folder / f"{partition:04d}-of-{partitions:04d}.jsonl"
        self._division = f"-of-{partitions:04d}.jsonl"
        self._stream: IO[bytes] | None = None

    def read(self) -> dict[str, tuple[str, Outcome]]:
        """For each URL the stamp under which it was last tried, and the outcome."""
        latest: dict[str, tuple[float, str, Outcome]] = {}
        for path in sorted(self._folder.glob("*.jsonl")):
            if path == self._path or not path.name.endswith(self._division):
                for url, at, stamp, outcome in _lines(path):
                    if url not in latest or at >= latest[url][0]:
                        latest[url] = at, stamp, outcome
        return {url: (stamp, outcome) for url, (_, stamp, outcome) in latest.items()}

    def __enter__(self) -> Journal:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stream = self._path.open("a+b", buffering=0)
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{self._path} is being written by another download; wait until that has ended.") from None
        size = self._stream.seek(0, 2)
        if size:
            self._stream.seek(size - 1)
            if self._stream.read(1) != b"\n":
                self._stream.write(b"\n")  # fence off a line that a kill tore
        return self

    def __exit__(self, *_: object) -> None:
        assert self._stream is not None
        self._stream.close()

    def append(self, url: str, stamp: str, outcome: Outcome) -> None:
        assert self._stream is not None
        line = json.dumps({"url": url, "at": round(time.time(), 3), "stamp": stamp, **outcome.to_json()}) + "\n"
        self._stream.write(line.encode())


def _lines(path: Path) -> Iterator[tuple[str, float, str, Outcome]]:
    with path.open("rb") as stream:
        for line in stream:
            entry = _parse(line)
            if entry is not None:
                yield entry


def _parse(line: bytes) -> tuple[str, float, str, Outcome] | None:
    """An entry, or None for a torn line."""
    try:
        fields: dict[str, Any] = json.loads(line)
        url, at, stamp = fields.pop("url"), float(fields.pop("at")), fields.pop("stamp")
        outcome = Outcome(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return (url, at, stamp, outcome) if outcome.outcome in OUTCOMES else None
