"""Write the ledger, one row for each distinct URL, with its failures and its summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import pyarrow as pa

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.download.lists import Row, partition_rows
from affectflow.download.outcomes import REPORT_CLASSES, STORED, Outcome, check_some, report_class
from affectflow.download.placeholders import LedgerRow, Placeholders
from affectflow.tables.csv_files import csv_writer, write_csv
from affectflow.tables.parquet import parquet_rows, write_parquet

_TIME = pa.timestamp("ms", tz="UTC")
LEDGER_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("url_orig", pa.string()),
        ("file_name", pa.string()),
        ("outcome", pa.string()),
        ("detail", pa.string()),
        ("http_status", pa.int32()),
        ("final_url", pa.string()),
        ("attempts", pa.int32()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("dhash", pa.string()),
        ("archived_at", _TIME),
        ("first_try", _TIME),
        ("last_try", _TIME),
    ]
)
ERROR_COLUMNS = ("url", "outcome", "http_status", "attempts", "detail", "final_url")
SUMMARY_COLUMNS = ("class", "report_2017", "urls", "share_percent")
_TEXT_COLUMNS = tuple(field.name for field in LEDGER_SCHEMA if pa.types.is_string(field.type))
_OUTCOME_COLUMNS = tuple(field.name for field in fields(Outcome))
_ROWS_IN_MEMORY = 10_000


def write_part(part: Path, outcomes: Iterable[tuple[Row, Outcome]]) -> Counter[str]:
    """Write one partition's ledger, and return counts by outcome.

    Args:
        part: The Parquet file to write.
        outcomes: The partition's rows with their outcomes.
    """
    counts: Counter[str] = Counter()
    write_parquet(part, LEDGER_SCHEMA, _counted(map(ledger_row, outcomes), counts))
    return counts


def ledger_row(row_and_outcome: tuple[Row, Outcome]) -> LedgerRow:
    """Make a row of the ledger, and ``expected_sha256``; invalid Unicode becomes replacement characters."""
    row, outcome = row_and_outcome
    cells: LedgerRow = {name: getattr(outcome, name) for name in _OUTCOME_COLUMNS}
    cells.update(url=row.url, url_orig=row.url_orig, file_name=row.file_name, expected_sha256=row.sha256)
    for name in _TEXT_COLUMNS:
        if not cells[name].isascii():
            cells[name] = _valid_unicode(cells[name])
    cells["archived_at"] = None if outcome.archived_at is None else round(1000 * outcome.archived_at)
    cells["first_try"], cells["last_try"] = (round(1000 * t) for t in (outcome.first_try, outcome.last_try))
    return cells


def collect_ledger(parts: Sequence[Path], urls: Path, ledger: Path, errors: Path, summary: Path) -> Counter[str]:
    """Join the partitions' ledgers in the order of the list.

    Args:
        parts: The ledgers of all partitions, in their order.
        urls: The list.
        ledger: The Parquet file to write.
        errors: The CSV file of failures to write.
        summary: The CSV file of counts by the report's classes to write.

    Returns:
        Counts by outcome.

    Raises:
        UserError: If a URL is missing from the parts, or not a single image was downloaded.
    """
    rows_at_once = max(100, _ROWS_IN_MEMORY // len(parts))

    def rows() -> Iterator[LedgerRow]:
        streams = [parquet_rows(part, LEDGER_SCHEMA, rows_at_once) for part in parts]
        for row in partition_rows(urls, 0, 1):
            found = next(streams[row.key % len(parts)], None)
            if found is None or found["url"] != _valid_unicode(row.url):
                raise UserError(f"The download has no outcome for {row.url[:200]!r}; run the download again.")
            yield {**found, "expected_sha256": row.sha256}

    counts = write_ledger(rows, ledger, errors, summary)
    check_some(counts)
    return counts


def write_ledger(rows: Callable[[], Iterable[LedgerRow]], ledger: Path, errors: Path, summary: Path) -> Counter[str]:
    """Write the ledger, its failures, and its summary by the classes of the report of 2017.

    Args:
        rows: Yields the ledger's rows, with ``expected_sha256`` where the list gives it. It may be called twice, since
            placeholders are known only after all rows.
        ledger: The Parquet file to write.
        errors: The CSV file of failures to write.
        summary: The CSV file of counts by the report's classes to write.

    Returns:
        Counts by outcome.
    """
    shared: dict[int, int] = {}
    while True:
        placeholders = Placeholders(shared)
        counted: Counter[tuple[str, int | None]] = Counter()
        with atomic_write(errors) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            write_error = csv_writer(stream)
            write_error(ERROR_COLUMNS)
            checked = map(placeholders.checked, rows())
            write_parquet(ledger, LEDGER_SCHEMA, _with_errors_written(checked, write_error, counted))
        if (found := placeholders.shared_targets()) == shared:
            break
        shared = found
    counts: Counter[str] = Counter()
    classes: Counter[str | None] = Counter()
    for (outcome, status), count in counted.items():
        counts[outcome] += count
        classes[report_class(outcome, status)] += count
    total = max(1, counts.total())
    lines = [("downloaded", "", classes[None])] + [(name, then, classes[name]) for name, then in REPORT_CLASSES]
    write_csv(
        summary,
        SUMMARY_COLUMNS,
        ((name, then, now, f"{100 * now / total:.2f}") for name, then, now in lines),
    )
    return counts


def inert(cell: object) -> object:
    """Escape a cell that a spreadsheet would take for a formula, or a terminal for a control sequence."""
    if not isinstance(cell, str):
        return cell
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: f"\\x{ord(match[0]):02x}", cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _with_errors_written(
    rows: Iterable[LedgerRow],
    write_error: Callable[[Sequence[object]], object],
    counted: Counter[tuple[str, int | None]],
) -> Iterator[LedgerRow]:
    """Pass rows on, write those that failed, and count all by outcome and status."""
    for row in rows:
        if row["outcome"] not in STORED:
            write_error([inert(row[column]) for column in ERROR_COLUMNS])
        counted[row["outcome"], row["http_status"]] += 1
        yield row


def _counted(rows: Iterable[LedgerRow], counts: Counter[str]) -> Iterator[LedgerRow]:
    for row in rows:
        counts[row["outcome"]] += 1
        yield row


def _valid_unicode(text: str) -> str:
    """Replace lone surrogates, which a list may contain and Parquet cannot store."""
    return text.encode("utf-8", "replace").decode()
