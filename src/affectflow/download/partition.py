"""A partition's share of the URLs -> images in the store and lines in the journal."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from yarl import URL

from affectflow.core.cache import fingerprint
from affectflow.core.errors import UserError
from affectflow.download.engine import MOST_OPEN, Engine
from affectflow.download.journal import Entry, Index, Journal
from affectflow.download.lists import Row, partition_rows
from affectflow.download.outcomes import Outcome
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.download.transfers import KEPT_CONNECTIONS

_SCANNED_AT_ONCE = 256  # rows between two looks at the network
_REPORT_EVERY_S = 0.5
_KNOWN_SITES = 200
_OTHER_FILES = 64 + KEPT_CONNECTIONS  # besides the sockets of requests

Report = Callable[[Counter[str]], None]


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a list, and where its results go. ``at_once`` partitions share each host's limits."""

    urls: Path
    partition: int
    partitions: int
    images: Path
    journal: Path
    at_once: int = 1

    def rows(self) -> Iterator[Row]:
        return partition_rows(self.urls, self.partition, self.partitions)


@dataclass(frozen=True, slots=True)
class Again:
    """Which failures of earlier runs to try again.

    Those written down under another ``stamp`` (other settings, other code, another second URL, another image wanted),
    or all if ``forced``; of these only some classes, or only those from before a time (seconds since 1970), where
    these are given.
    """

    stamp: str = ""
    forced: bool = False
    classes: frozenset[str] = frozenset()
    before: float | None = None

    def mark(self, row: Row) -> str:
        """What a row's outcome is written down under."""
        return fingerprint([self.stamp, row.url_orig, row.sha256])[:16] if row.url_orig or row.sha256 else self.stamp

    def wants(self, row: Row, mark: str, outcome: Outcome) -> bool:
        """Whether a failure is to be tried again."""
        if not (self.forced or mark != self.mark(row)):
            return False
        if self.classes and outcome.outcome not in self.classes:
            return False
        return self.before is None or outcome.last_try < self.before


def stamp_of(settings: Settings, code: str) -> str:
    """Under what failures are final in a workflow: the settings that decide, and the code."""
    return fingerprint({**settings.decisive(), "code": code})[:16]


def fetch_partition(share: Share, settings: Settings, again: Again, report: Report) -> None:
    """Fetch what is missing of a partition and write it down in the journal.

    What succeeded is never fetched again while its file is in the store; what failed only where ``again`` wants it.
    The memory that this takes hardly grows with the list. Raises :class:`UserError` where this machine, its disk or
    its network is at fault; nothing that was done is lost.
    """
    with (
        Journal(share.journal, share.partition, share.partitions) as journal,
        Index(share.journal, share.partition, share.partitions) as index,
        Store(share.images, settings.max_pixels, settings.decode) as store,
    ):
        missing = _missing(share, index, store, again)
        first = next((row for row in missing if row is not None), None)
        if first is None:
            return
        with _Reports(report) as reports:

            def finish(row: Row, outcome: Outcome) -> None:
                if entry := index.get(row.key):  # the latest line counts, even after the clock was set back
                    outcome.last_try = max(outcome.last_try, entry.at + 0.001)
                journal.append(row, again.mark(row), outcome)
                reports.add(outcome.outcome)

            own = _own_share(settings, share.at_once)
            engine = Engine(own, store, finish, _known_sites(index), _sockets())
            try:
                asyncio.run(engine.run(_chained(first, missing)))
            except* UserError as group:
                raise group.exceptions[0] from None


def outcomes(share: Share) -> Iterator[tuple[Row, Outcome]]:
    """Each row of a partition with its outcome, in the list's order.

    Raises :class:`UserError` for a URL that has none.
    """
    with Index(share.journal, share.partition, share.partitions) as index:
        for row in share.rows():
            entry = index.get(row.key)
            url, outcome = "", None
            if entry is not None:
                url, _, outcome = index.read(entry)
            if outcome is None or url != row.url:
                raise UserError(f"The download has no outcome for {row.url[:200]!r}; run the download again.")
            yield row, outcome


def _missing(share: Share, index: Index, store: Store, again: Again) -> Iterator[Row | None]:
    for number, row in enumerate(share.rows()):
        if number % _SCANNED_AT_ONCE == 0:
            yield None
        entry = index.get(row.key)
        if entry is None or not _settled(row, entry, index, store, again):
            yield row


def _settled(row: Row, entry: Entry, index: Index, store: Store, again: Again) -> bool:
    if entry.bytes:
        return store.holds(row, entry.bytes) and row.sha256 in ("", index.read(entry)[2].sha256)
    _, mark, outcome = index.read(entry)
    return not again.wants(row, mark, outcome)


def _chained(first: Row, rest: Iterator[Row | None]) -> Iterator[Row | None]:
    yield first
    yield from rest


def _known_sites(index: Index) -> Iterator[URL]:
    for entry in index.successes(_KNOWN_SITES):
        with suppress(ValueError):
            yield URL(index.read(entry)[2].final_url)


def _own_share(settings: Settings, at_once: int) -> Settings:
    """What is left for one of several partitions that run at once, so that together they keep to the limits."""
    return replace(
        settings, per_host=max(1, settings.per_host // at_once), rate_per_host=settings.rate_per_host / at_once
    )


def _sockets() -> int:
    """How many requests may be open, after the limit on open files was raised as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_OPEN + _OTHER_FILES  # a request may need a look-up's socket too
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_OPEN if soft < 0 else max(1, min(MOST_OPEN, (soft - _OTHER_FILES) // 2))


class _Reports:
    """Hands outcomes on in small heaps."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._heap: Counter[str] = Counter()
        self._handed = time.monotonic()

    def __enter__(self) -> _Reports:
        return self

    def __exit__(self, *_: object) -> None:
        self._hand_on()

    def add(self, outcome: str) -> None:
        self._heap[outcome] += 1
        if time.monotonic() - self._handed > _REPORT_EVERY_S:
            self._hand_on()

    def _hand_on(self) -> None:
        self._handed = time.monotonic()
        self._report(self._heap)
        self._heap = Counter()
