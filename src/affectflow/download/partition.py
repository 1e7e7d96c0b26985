"""A partition's share of the URLs -> images in the store and a ledger part.

A URL belongs to a partition by its hash, never by its position, so that further rows leave the other partitions
as they are.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from affectflow import names
from affectflow.download.journal import Journal
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK, Outcome
from affectflow.download.settings import Settings
from affectflow.errors import UserError
from affectflow.fingerprint import fingerprint
from affectflow.progress import progress
from affectflow.tables import read_csv, whole, write_parquet

Row = dict[str, str]


def download_partition(
    file_names: Path,
    partition: int,
    partitions: int,
    images: Path,
    journal_folder: Path,
    out: Path,
    settings: Settings,
    code: str,
) -> Counter[str]:
    """Fetch what is missing of one partition and write its part of the ledger; returns counts by outcome.

    What succeeded is never fetched again while its file is in the store. What failed is tried again only when
    the settings or the code have changed since.
    """
    rows = list(partition_rows(file_names, partition, partitions))
    stamp = fingerprint({**settings.decisive(), "code": code})
    journal = Journal(journal_folder, partition, partitions)
    known = journal.read()
    missing = [row for row in rows if not _settled(row, known, _mark(stamp, row), images)]
    if missing:
        try:
            with journal:
                asyncio.run(_fetch_all(missing, images, journal, stamp, settings))
        except* UserError as group:
            raise group.exceptions[0] from None
        known = journal.read()
    results = [known[row["url"]][1] for row in rows]
    write_parquet(
        out, LEDGER_SCHEMA, ({**row, **outcome.to_json()} for row, outcome in zip(rows, results, strict=True))
    )
    return Counter(outcome.outcome for outcome in results)


def partition_rows(file_names: Path, partition: int, partitions: int) -> Iterator[Row]:
    """The rows of a file name table that belong to one partition."""
    for row in read_csv(file_names, names.COLUMNS):
        if int.from_bytes(names.url_digest(row["url"])[:8]) % partitions == partition:
            yield {column: row[column] for column in names.COLUMNS}


def _mark(stamp: str, row: Row) -> str:
    """Under what a failure is final: settings, code, and the second URL that was tried."""
    return f"{stamp} {row['url_orig']}"


def _settled(row: Row, known: dict[str, tuple[str, Outcome]], mark: str, images: Path) -> bool:
    if row["url"] not in known:
        return False
    last_mark, outcome = known[row["url"]]
    if outcome.outcome != OK:
        return last_mark == mark
    try:
        return (images / names.relative_path(row["file_name"])).stat().st_size == outcome.bytes
    except FileNotFoundError:
        return False


async def _fetch_all(rows: list[Row], images: Path, journal: Journal, stamp: str, settings: Settings) -> None:
    from affectflow.download.client import Client

    waiting = iter(rows)
    with (
        ThreadPoolExecutor(2, thread_name_prefix="decode") as decoders,
        progress(total=len(rows), unit="image", description="download") as bar,
    ):
        async with Client(settings, decoders) as client:

            async def work() -> None:
                for row in waiting:
                    fetched = await client.fetch(row["url"], row["url_orig"])
                    if fetched.outcome.outcome == OK:
                        _store(images / names.relative_path(row["file_name"]), fetched.body)
                    journal.append(row["url"], _mark(stamp, row), fetched.outcome)
                    bar.update()

            async with asyncio.TaskGroup() as workers:
                for _ in range(min(settings.concurrency, len(rows))):
                    workers.create_task(work())


def _store(path: Path, body: bytes) -> None:
    try:
        with whole(path) as partial:
            partial.write_bytes(body)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}); make room and run again.") from None
