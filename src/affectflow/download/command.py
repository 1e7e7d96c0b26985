"""Download a list into a folder with images, ledger, failures and summary, as ``affectflow download`` does."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.core.orphan import end_with
from affectflow.core.progress import progress
from affectflow.core.writer_lock import one_writer
from affectflow.download.journal import WRITER
from affectflow.download.list_files import estimate
from affectflow.download.outcomes import OK
from affectflow.download.partition import PartitionSpec, RetryPolicy, fetch_partition, outcomes
from affectflow.download.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SHOWN = 4  # kinds of failures


def download(
    urls: Path,
    destination: Path,
    ledger: Path,
    settings: Settings,
    processes: int,
    policy: RetryPolicy,
    resume: bool,
    url_column: str | None = None,
) -> Counter[str]:
    """Fetch a list of URLs.

    Args:
        urls: The list (see :mod:`affectflow.download.list_files`).
        destination: The folder for ``images``, ``errors.csv``, ``download_summary.csv`` and ``journal``.
        ledger: The Parquet file with one row for each URL.
        settings: The download's settings.
        processes: How many processes share the list.
        policy: Which failures of earlier runs are fetched again.
        resume: Whether the outcomes of an earlier run are kept.
        url_column: The name of the column of URLs, None for ``url`` in any case.

    Returns:
        Counts by outcome.

    Raises:
        UserError: If there is no list, or this machine, its disk or its network fails.
    """
    journal = destination / "journal"
    if not urls.is_file():
        raise UserError(f"{urls} does not exist; name a text with one URL a line, or a table with a column 'url'.")
    if not resume:
        with one_writer(journal, WRITER):
            for log in journal.glob("*.jsonl"):
                log.unlink()
    images = destination / "images"
    specs = [PartitionSpec(urls, i, processes, images, journal, processes, url_column) for i in range(processes)]
    with Tally(estimate(urls)) as tally:
        if processes == 1:
            fetch_partition(specs[0], settings, policy, tally.add)
        else:
            _fetch_in_processes(specs, settings, policy, tally)
    return _write_ledger(PartitionSpec(urls, 0, 1, images, journal, url_column=url_column), destination, ledger)


def before(age: str) -> float:
    """Return the time (seconds since 1970) that was ``age`` (30d, 12h) ago; raise :class:`UserError` for no age."""
    try:
        return time.time() - float(age[:-1]) * _UNITS[age[-1:]]
    except (ValueError, KeyError):
        raise UserError(f"{age!r} is not an age; write it as 30d, 12h or 90m.") from None


class Tally:
    """Count outcomes and show progress; a context manager. ``total`` may be an estimate."""

    def __init__(self, total: int) -> None:
        self._counts: Counter[str] = Counter()
        self._bar = progress(total=total, unit="URL", description="download")

    def __enter__(self) -> Tally:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, counts: Counter[str]) -> None:
        """Add the counts of some outcomes."""
        self._counts.update(counts)
        self._bar.set_postfix_str(self._summary(), refresh=False)
        self._bar.update(counts.total())

    def _summary(self) -> str:
        failures = self._counts.copy()
        parts = [f"{OK} {failures.pop(OK, 0):,}"]
        common = failures.most_common()
        parts += [f"{name} {count:,}" for name, count in common[:_SHOWN]]
        if rest := sum(count for _, count in common[_SHOWN:]):
            parts.append(f"other {rest:,}")
        return ", ".join(parts)


def _write_ledger(spec: PartitionSpec, destination: Path, ledger: Path) -> Counter[str]:
    import pyarrow as pa  # large, and needed only after the download

    from affectflow.download.ledger import ledger_row, write_ledger

    pool = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())  # the default pool keeps 40 MB more than it needs
    try:
        return write_ledger(
            lambda: map(ledger_row, outcomes(spec)),
            ledger,
            destination / "errors.csv",
            destination / "download_summary.csv",
        )
    finally:
        pa.set_memory_pool(pool)


def _fetch_in_processes(specs: list[PartitionSpec], settings: Settings, policy: RetryPolicy, tally: Tally) -> None:
    """Run one process for each partition and add up their counts; if one fails, the others are ended."""
    context = multiprocessing.get_context("spawn")
    workers = {}
    for spec in specs:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_fetch, args=(spec, settings, policy, sender), daemon=True)
        process.start()
        sender.close()
        workers[receiver] = process
    try:
        while workers:
            for pipe in wait(list(workers)):
                assert isinstance(pipe, Connection)
                try:
                    message = pipe.recv()
                except EOFError:
                    process = workers.pop(pipe)
                    process.join()
                    if process.exitcode:
                        raise UserError(
                            f"A download process ended with status {process.exitcode}; run again to continue."
                        ) from None
                    continue
                if isinstance(message, str):
                    raise UserError(message)
                tally.add(message)
    finally:
        for process in workers.values():
            process.terminate()
            process.join()


def _fetch(spec: PartitionSpec, settings: Settings, policy: RetryPolicy, pipe: Connection) -> None:
    end_with(os.getppid())
    try:
        fetch_partition(spec, settings, policy, pipe.send)
    except UserError as error:
        pipe.send(str(error))
    except BrokenPipeError:
        sys.exit(1)  # the parent process is gone
    finally:
        pipe.close()
