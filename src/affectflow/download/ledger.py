"""The ledger: one row for each distinct URL, and what people read of it."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.download.lists import Row, parse_url, partition_rows
from affectflow.download.outcomes import OK, REPORT_CLASSES, Failed, Outcome, check_some, report_class
from affectflow.media import file_names as names
from affectflow.tables.csv_files import csv_writer, write_csv
from affectflow.tables.parquet import parquet_rows, write_parquet

_REDIRECTED_TO_ONE = 3
_KNOWN = re.compile(
    r"//s\.yimg\.com/pw/images/.*photo_unavailable"  # Flickr
    r"|//(i\.)?imgur\.com/removed\.(png|jpg)"  # Imgur
    r"|/photo_unavailable(_\w+)?\.(gif|png|jpg)$"
)

LedgerRow = dict[str, Any]


class Placeholders:
    """Finds stand-ins among the rows of a ledger, given how many URLs are ``shared``: redirected to the same address.

    Which these are is known in :meth:`seen` when all rows have passed.
    """

    def __init__(self, shared: dict[int, int]) -> None:
        self._shared = shared
        self._targets = array("Q")  # 8 bytes for each redirected row

    def marked(self, row: LedgerRow) -> LedgerRow:
        """The row, with outcome ``placeholder`` and the reason where it is one.

        An image that has the SHA-256 which its list wanted is none.
        """
        if row["outcome"] != OK or row.get("wanted"):
            return row
        if _redirected(row):
            key = names.key(names.url_digest(row["final_url"]))
            self._targets.append(key)
            if key in self._shared:
                return _stand_in(row, f"{self._shared[key]} URLs are redirected to this image")
        return _stand_in(row, "the address of a known stand-in") if _KNOWN.search(row["final_url"]) else row

    def seen(self) -> dict[int, int]:
        """Keys of addresses to which several rows were redirected, and how many."""
        keys, counts = np.unique(np.frombuffer(self._targets, np.uint64), return_counts=True)
        often = counts >= _REDIRECTED_TO_ONE
        return dict(zip(keys[often].tolist(), counts[often].tolist(), strict=True))


def _stand_in(row: LedgerRow, reason: str) -> LedgerRow:
    return {**row, "outcome": "placeholder", "detail": reason}


def _redirected(row: LedgerRow) -> bool:
    if row["final_url"] in (row["url"], row["url_orig"]):
        return False
    return row["final_url"] not in (_as_asked(row["url"]), _as_asked(row["url_orig"]))


def _as_asked(url: str) -> str:
    """How a URL comes back in ``final_url`` when it was not redirected."""
    try:
        return str(parse_url(url))
    except Failed:
        return url


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
        ("first_try", _TIME),
        ("last_try", _TIME),
    ]
)
_TEXTS = tuple(field.name for field in LEDGER_SCHEMA if pa.types.is_string(field.type))
_OF_OUTCOME = tuple(field.name for field in fields(Outcome))
ERROR_COLUMNS = ("url", "outcome", "http_status", "attempts", "detail", "final_url")
SUMMARY_COLUMNS = ("class", "report_2017", "urls", "share_percent")
_ROWS_IN_MEMORY = 10_000


def write_part(part: Path, outcomes: Iterable[tuple[Row, Outcome]]) -> Counter[str]:
    """Write one partition's ledger; returns counts by outcome."""
    counts: Counter[str] = Counter()
    write_parquet(part, LEDGER_SCHEMA, _counted(map(ledger_row, outcomes), counts))
    return counts


def ledger_row(row_and_outcome: tuple[Row, Outcome]) -> LedgerRow:
    """A row of the ledger, and ``wanted``. Text that is not valid Unicode is kept with replacement characters."""
    row, outcome = row_and_outcome
    cells: LedgerRow = {name: getattr(outcome, name) for name in _OF_OUTCOME}
    cells.update(url=row.url, url_orig=row.url_orig, file_name=row.file_name, wanted=row.sha256)
    for name in _TEXTS:
        if not cells[name].isascii():
            cells[name] = _clean(cells[name])
    cells["first_try"], cells["last_try"] = (round(1000 * t) for t in (outcome.first_try, outcome.last_try))
    return cells


def collect_ledger(parts: Sequence[Path], urls: Path, ledger: Path, errors: Path, summary: Path) -> Counter[str]:
    """Join the partitions' ledgers in the order of the list; returns counts by outcome.

    Raises :class:`UserError` when a URL is missing from the parts or when no image at all came.
    """
    at_once = max(100, _ROWS_IN_MEMORY // len(parts))

    def rows() -> Iterator[LedgerRow]:
        streams = [parquet_rows(part, LEDGER_SCHEMA, at_once) for part in parts]
        for row in partition_rows(urls, 0, 1):
            found = next(streams[row.key % len(parts)], None)
            if found is None or found["url"] != _clean(row.url):
                raise UserError(f"The download has no outcome for {row.url[:200]!r}; run the download again.")
            yield {**found, "wanted": row.sha256}

    counts = write_ledger(rows, ledger, errors, summary)
    check_some(counts)
    return counts


def write_ledger(rows: Callable[[], Iterable[LedgerRow]], ledger: Path, errors: Path, summary: Path) -> Counter[str]:
    """Write the ledger, its failures, and its summary by the classes of the report of 2017.

    ``rows`` may be read twice, since placeholders are known only when all rows have been seen. Besides the ledger's
    columns they may have ``wanted``, the SHA-256 that the list gave.
    """
    shared: dict[int, int] = {}
    while True:
        placeholders = Placeholders(shared)
        failures: Counter[tuple[str, int | None]] = Counter()
        with atomic_write(errors) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            write_error = csv_writer(stream)
            write_error(ERROR_COLUMNS)
            marked = map(placeholders.marked, rows())
            write_parquet(ledger, LEDGER_SCHEMA, _split(marked, write_error, failures))
        if (seen := placeholders.seen()) == shared:
            break
        shared = seen
    counts: Counter[str] = Counter()
    for (outcome, _), count in failures.items():
        counts[outcome] += count
    classes: Counter[str | None] = Counter()
    for (outcome, status), count in failures.items():
        classes[report_class(outcome, status)] += count
    total = max(1, counts.total())
    lines = [("downloaded", "", classes[None])] + [(name, then, classes[name]) for name, then in REPORT_CLASSES]
    write_csv(
        summary,
        SUMMARY_COLUMNS,
        ((name, then, now, f"{100 * now / total:.2f}") for name, then, now in lines),
    )
    return counts


def _split(
    rows: Iterable[LedgerRow],
    write_error: Callable[[Sequence[object]], object],
    failures: Counter[tuple[str, int | None]],
) -> Iterator[LedgerRow]:
    """Pass rows on, write down those that failed, and count all by outcome and status."""
    for row in rows:
        if row["outcome"] != OK:
            write_error([inert(row[column]) for column in ERROR_COLUMNS])
        failures[row["outcome"], row["http_status"]] += 1
        yield row


def inert(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula and no terminal for a command."""
    if not isinstance(cell, str):
        return cell
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda match: f"\\x{ord(match[0]):02x}", cell)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _counted(rows: Iterable[LedgerRow], counts: Counter[str]) -> Iterator[LedgerRow]:
    for row in rows:
        counts[row["outcome"]] += 1
        yield row


def _clean(text: str) -> str:
    """Parquet holds valid Unicode only; a lone surrogate from a hostile list is none."""
    return text.encode("utf-8", "replace").decode()
