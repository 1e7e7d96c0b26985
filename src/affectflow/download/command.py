"""``affectflow download``: a list of URLs -> a folder with images, ledger, failures and summary."""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
from collections import Counter
from multiprocessing.connection import Connection, wait
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.core.progress import progress
from affectflow.download.lists import estimate
from affectflow.download.outcomes import OK
from affectflow.download.partition import Again, Share, fetch_partition, outcomes
from affectflow.download.settings import Settings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def download(
    urls: Path, destination: Path, ledger: Path, settings: Settings, processes: int, again: Again, resume: bool
) -> Counter[str]:
    """Fetch a list into ``destination`` (``images``, ``errors.csv``, ``download_summary.csv``) and a ledger.

    What an earlier run did is not done again, unless ``resume`` is false or ``again`` wants it. Returns counts by
    outcome. Raises :class:`UserError`.
    """
    journal = destination / "journal"
    if not urls.is_file():
        raise UserError(f"{urls} does not exist; name a text with one URL a line, or a table with a column 'url'.")
    if not resume:
        shutil.rmtree(journal, ignore_errors=True)
    shares = [Share(urls, i, processes, destination / "images", journal, processes) for i in range(processes)]
    with Tally(estimate(urls)) as tally:
        if processes == 1:
            fetch_partition(shares[0], settings, again, tally.add)
        else:
            _fetch_in_processes(shares, settings, again, tally)
    return _write_ledger(Share(urls, 0, 1, destination / "images", journal), destination, ledger)


def _write_ledger(share: Share, destination: Path, ledger: Path) -> Counter[str]:
    import pyarrow as pa  # it is large, and only needed here

    from affectflow.download.ledger import ledger_row, write_ledger

    pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps 40 MB more than it needs

    return write_ledger(
        lambda: map(ledger_row, outcomes(share)),
        ledger,
        destination / "errors.csv",
        destination / "download_summary.csv",
    )


def _fetch_in_processes(shares: list[Share], settings: Settings, again: Again, tally: Tally) -> None:
    """One process a share; the counts of all come to ``tally``. When one fails, the others are ended."""
    context = multiprocessing.get_context("spawn")
    workers = {}
    for share in shares:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_fetch, args=(share, settings, again, there), daemon=True)
        process.start()
        there.close()
        workers[here] = process
    try:
        while workers:
            for pipe in wait(list(workers)):
                assert isinstance(pipe, Connection)
                try:
                    news = pipe.recv()
                except EOFError:
                    process = workers.pop(pipe)
                    process.join()
                    if process.exitcode:
                        raise UserError(
                            f"A download process ended with status {process.exitcode}; run again to go on."
                        ) from None
                    continue
                if isinstance(news, str):
                    raise UserError(news)
                tally.add(news)
    finally:
        for process in workers.values():
            process.terminate()
            process.join()


def _fetch(share: Share, settings: Settings, again: Again, pipe: Connection) -> None:
    try:
        fetch_partition(share, settings, again, pipe.send)
    except UserError as error:
        pipe.send(str(error))
    except BrokenPipeError:
        sys.exit(1)  # whoever asked is gone
    finally:
        pipe.close()


def before(age: str) -> float:
    """The time (seconds since 1970) that lies ``age`` (30d, 12h) back; raises :class:`UserError`."""
    try:
        return time.time() - float(age[:-1]) * _UNITS[age[-1:]]
    except (ValueError, KeyError):
        raise UserError(f"{age!r} is no age; write it as 30d, 12h or 90m.") from None


_SHOWN = 4  # classes of failures
_BETWEEN_LINES_S = 30.0


class Tally:
    """Counts outcomes and shows them; a context manager. ``total`` may be an estimate."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[str] = Counter()
        self._started = self._said = time.monotonic()
        self._bar = progress(total=total, unit=" URLs", description="download")

    def __enter__(self) -> Tally:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._counts:
            self._say()

    def add(self, counts: Counter[str]) -> None:
        """Take in some outcomes."""
        self._counts.update(counts)
        self._bar.set_postfix_str(self._classes(), refresh=False)
        self._bar.update(counts.total())
        if time.monotonic() - self._said >= _BETWEEN_LINES_S:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        if not self._bar.disable:
            return  # the bar says it
        done, seconds = self._counts.total(), self._said - self._started
        rate = done / max(seconds, 1e-9)
        left = max(0, self._total - done) / max(rate, 1e-9)
        print(
            f"{time.strftime('%H:%M:%S')}  {done:,} of about {max(self._total, done):,} URLs, {rate:,.0f}/s, "
            f"{self._classes()}; about {left / 60:.0f} min left",
            file=sys.stderr,
            flush=True,
        )

    def _classes(self) -> str:
        failures = self._counts.copy()
        parts = [f"{OK} {failures.pop(OK, 0):,}"]
        common = failures.most_common()
        parts += [f"{name} {count:,}" for name, count in common[:_SHOWN]]
        if rest := sum(count for _, count in common[_SHOWN:]):
            parts.append(f"other {rest:,}")
        return ", ".join(parts)
