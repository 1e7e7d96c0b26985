"""Download one partition of a list: images into the store, outcomes into the journal."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from affectflow.core.cache import cache_key, fingerprint
from affectflow.core.errors import UserError
from affectflow.download.address import Address
from affectflow.download.engine import MAX_OPEN, Engine
from affectflow.download.journal import Entry, Index, Journal
from affectflow.download.lists import Row, partition_rows
from affectflow.download.outcomes import Failed, Outcome
from affectflow.download.settings import Settings
from affectflow.download.store import Store
from affectflow.download.transfers import KEPT_CONNECTIONS

_SCANNED_AT_ONCE = 256  # rows, before the event loop runs again
_REPORT_EVERY_S = 0.5
_KNOWN_SITES = 200
_OTHER_FILES = 64 + KEPT_CONNECTIONS  # open files besides the sockets of requests
_KEY_LENGTH = 16  # hex digits of a cache key

Report = Callable[[Counter[str]], None]


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """A partition of a list and where its results are stored.

    Attributes:
        urls: The list.
        partition: The number of this partition, from 0.
        partitions: The number of partitions.
        images: The folder of images.
        journal: The folder of the partitions' journals.
        at_once: How many partitions run at the same time; they share each host's limits.
        url_column: The name of the list's column of URLs, None for ``url`` in any case.
    """

    urls: Path
    partition: int
    partitions: int
    images: Path
    journal: Path
    at_once: int = 1
    url_column: str | None = None

    def rows(self) -> Iterator[Row]:
        """Read the partition's rows from the list."""
        return partition_rows(self.urls, self.partition, self.partitions, self.url_column)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Decide which failures of earlier runs are fetched again.

    Attributes:
        cache_key: Failures recorded under another key (other settings, code, second URL or expected image) are
            fetched again.
        forced: Whether failures are fetched again whatever their key.
        outcomes: If not empty, only failures with these outcomes are fetched again.
        before: If given, only failures whose last attempt was before this time (seconds since 1970) are.
    """

    cache_key: str = ""
    forced: bool = False
    outcomes: frozenset[str] = frozenset()
    before: float | None = None

    def row_cache_key(self, row: Row) -> str:
        """Return the key under which a row's outcome is recorded."""
        if not (row.url_orig or row.sha256):
            return self.cache_key
        return fingerprint([self.cache_key, row.url_orig, row.sha256])[:_KEY_LENGTH]

    def should_retry(self, row: Row, cache_key: str, outcome: Outcome) -> bool:
        """Check whether a failure of an earlier run is to be fetched again.

        Args:
            row: The row that failed.
            cache_key: The key under which the failure was recorded.
            outcome: The failure.
        """
        if not (self.forced or cache_key != self.row_cache_key(row)):
            return False
        if self.outcomes and outcome.outcome not in self.outcomes:
            return False
        return self.before is None or outcome.last_try < self.before


def cache_key_of(settings: Settings, code: str) -> str:
    """Return the key under which failures are final in the workflow: a digest of settings and code.

    Args:
        settings: The download's settings.
        code: Digest of the download's code.
    """
    return cache_key(settings=settings.cache_key_settings(), code=code)[:_KEY_LENGTH]


def fetch_partition(spec: PartitionSpec, settings: Settings, policy: RetryPolicy, report: Report) -> None:
    """Fetch the rows of a partition that are missing, and append their outcomes to the journal.

    An image is never fetched again while its file is in the store. The memory in use hardly grows with the list.

    Args:
        spec: The partition.
        settings: The download's settings.
        policy: Which failures of earlier runs are fetched again.
        report: Called now and then with the number of new outcomes of each kind.

    Raises:
        UserError: If this machine, its disk or its network fails; finished rows are kept.
    """
    with (
        Journal(spec.journal, spec.partition, spec.partitions) as journal,
        Index(spec.journal, spec.partition, spec.partitions) as index,
        Store(spec.images, settings.max_pixels, settings.decode) as store,
    ):
        missing = _missing(spec, index, store, policy)
        first = next((row for row in missing if row is not None), None)
        if first is None:
            return
        with _BufferedReport(report) as reports:

            def finish(row: Row, outcome: Outcome) -> None:
                if entry := index.get(row.key):  # the latest line counts, even after the clock was set back
                    outcome.last_try = max(outcome.last_try, entry.at + 0.001)
                journal.append(row, policy.row_cache_key(row), outcome)
                reports.add(outcome.outcome)

            own = _settings_for_one(settings, spec.at_once)
            engine = Engine(own, store, finish, _known_sites(index), _max_open())
            try:
                asyncio.run(engine.run(chain((first,), missing)))
            except ExceptionGroup as group:
                mistake = _first_user_error(group)
                if mistake is None:
                    raise
                raise mistake from None


def _first_user_error(group: ExceptionGroup[Exception]) -> UserError | None:
    """Return the first user error, however deep, of which several tasks may have the same one."""
    for error in group.exceptions:
        found = _first_user_error(error) if isinstance(error, ExceptionGroup) else error
        if isinstance(found, UserError):
            return found
    return None


def outcomes(spec: PartitionSpec) -> Iterator[tuple[Row, Outcome]]:
    """Yield each row of a partition with its outcome, in the list's order.

    Raises:
        UserError: If a URL has no outcome.
    """
    with Index(spec.journal, spec.partition, spec.partitions) as index:
        for row in spec.rows():
            entry = index.get(row.key)
            url, outcome = "", None
            if entry is not None:
                url, _, outcome = index.read(entry)
            if outcome is None or url != row.url:
                raise UserError(f"The download has no outcome for {row.url[:200]!r}; run the download again.")
            yield row, outcome


def _missing(spec: PartitionSpec, index: Index, store: Store, policy: RetryPolicy) -> Iterator[Row | None]:
    for number, row in enumerate(spec.rows()):
        if number % _SCANNED_AT_ONCE == 0:
            yield None
        entry = index.get(row.key)
        if entry is None or not _is_final(row, entry, index, store, policy):
            yield row


def _is_final(row: Row, entry: Entry, index: Index, store: Store, policy: RetryPolicy) -> bool:
    if entry.bytes:
        return store.holds(row, entry.bytes) and row.sha256 in ("", index.read(entry)[2].sha256)
    _, cache_key, outcome = index.read(entry)
    return not policy.should_retry(row, cache_key, outcome)


def _known_sites(index: Index) -> Iterator[Address]:
    for entry in index.successes(_KNOWN_SITES):
        with suppress(Failed):
            yield Address.parse(index.read(entry)[2].final_url)


def _settings_for_one(settings: Settings, at_once: int) -> Settings:
    """Divide each host's limits among the partitions that run at once, so that together they observe them."""
    archive = replace(
        settings.archive,
        searches_per_minute=settings.archive.searches_per_minute / at_once,
        copies_per_minute=settings.archive.copies_per_minute / at_once,
    )
    return replace(
        settings,
        per_host=max(1, settings.per_host // at_once),
        rate_per_host=settings.rate_per_host / at_once,
        archive=archive,
    )


def _max_open() -> int:
    """Raise the limit on open files as far as allowed, and return how many requests may be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MAX_OPEN + _OTHER_FILES  # a request may need a socket for its look-up too
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_OPEN if soft < 0 else max(1, min(MAX_OPEN, (soft - _OTHER_FILES) // 2))


class _BufferedReport:
    """Collects outcomes and reports them twice a second."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._counts: Counter[str] = Counter()
        self._reported = time.monotonic()

    def __enter__(self) -> _BufferedReport:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def add(self, outcome: str) -> None:
        self._counts[outcome] += 1
        if time.monotonic() - self._reported > _REPORT_EVERY_S:
            self._flush()

    def _flush(self) -> None:
        self._reported = time.monotonic()
        self._report(self._counts)
        self._counts = Counter()
