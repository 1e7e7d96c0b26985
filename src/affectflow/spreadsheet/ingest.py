"""Convert EmotioNet's spreadsheets to ``labels.csv`` and ``rejects.csv``, the first stage of the workflow."""

from __future__ import annotations

import itertools
import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.spreadsheet.layout import ABOVE_HEADER, HEADER_AGAIN, Reject, find_layout, has_url, names_units
from affectflow.spreadsheet.rates import Rates
from affectflow.spreadsheet.read import Sheet, read_sheets
from affectflow.tables.csv_files import csv_writer
from affectflow.tables.workbook import Row

log = logging.getLogger(__name__)

LABEL_COLUMNS = ("table", "sheet", "row", "url", "url_orig", *facs.LABELS)
REJECT_COLUMNS = ("table", "sheet", "row", "reason", "cells")
EMPTY = "the row is empty"
_EMPTY_ROWS = re.compile(r"(\d+) rows are empty")
WITHOUT_URLS = "its sheet has no URL"
_LAYOUT_ROWS = 200  # rows from which a sheet's layout is determined
_MIN_NAMES = 3  # AUs that a row names, to be a header

WriteRow = Callable[[Sequence[object]], object]


def ingest(tables: Sequence[Path], labels: Path, rejects: Path) -> Counter[str]:
    """Read every row of every sheet and write it to one of two files; headers are left out.

    Args:
        tables: The spreadsheets: .xlsx, .csv or TAB-separated .txt.
        labels: The CSV file of usable rows: URLs exactly as written, labels of 0, 1 or 999 (not annotated).
        rejects: The CSV file of other rows: table, sheet, row number, reason, and the cells as a JSON list.

    Returns:
        How many rows were ``labelled``, and how many were rejected for each reason.

    Raises:
        UserError: If a table cannot be read, has no usable row, or has its labels in the wrong columns.
    """
    counts: Counter[str] = Counter()
    with (
        atomic_write(labels) as labels_partial,
        atomic_write(rejects) as rejects_partial,
        labels_partial.open("w", newline="", encoding="utf-8", errors="surrogatepass") as labels_stream,
        rejects_partial.open("w", newline="", encoding="utf-8", errors="surrogatepass") as rejects_stream,
    ):
        write_label, write_reject = csv_writer(labels_stream), csv_writer(rejects_stream)
        write_label(LABEL_COLUMNS)
        write_reject(REJECT_COLUMNS)
        for table in tables:
            rates = Rates()
            found: Counter[str] = Counter()
            for sheet in read_sheets(table):
                found += _ingest_sheet(sheet, rates, write_label, write_reject)
            counts += found
            if found["labelled"]:
                rates.check(str(table))
                continue
            reason = next((f" ({reason})" for reason, _ in found.most_common(1)), "")
            problem = f"{table} has no usable row{reason}; expected a URL and labels of 0, 1 or 999 in each"
            if len(tables) == 1:
                raise UserError(f"{problem}; correct it.")
            log.warning("%s: its rows are among the rejects", problem)
        if not counts["labelled"]:
            raise UserError(f"{problem}, as in the other tables; correct them.")
    return counts


def count_empty(reason: str) -> int:
    """Return how many empty rows a row of the rejects stands for: consecutive ones are listed as one."""
    match = _EMPTY_ROWS.fullmatch(reason)
    return 1 if reason == EMPTY else int(match[1]) if match else 0


def _ingest_sheet(sheet: Sheet, rates: Rates, write_label: WriteRow, write_reject: WriteRow) -> Counter[str]:
    where = f"{sheet.table}, sheet {sheet.name}," if sheet.name else str(sheet.table)
    counts: Counter[str] = Counter()

    def reject(number: int, row: Row, reason: str, rows: int = 1) -> None:
        cells = json.dumps([str(cell) for cell in row], ensure_ascii=True)
        write_reject((sheet.table.name, sheet.name, number, reason if rows == 1 else f"{rows} rows are empty", cells))
        counts[reason] += rows

    rows = _filled_rows(sheet, lambda first, count: reject(first, (), EMPTY, count))
    first_rows = list(itertools.islice(rows, _LAYOUT_ROWS))
    if sheet.name and not has_url(first_rows) and not any(len(names_units(row)) >= _MIN_NAMES for _, row in first_rows):
        for number, row in itertools.chain(first_rows, rows):
            reject(number, row, WITHOUT_URLS)
        if counts:
            log.warning("%s has no URL and is not used; its %d rows are among the rejects", where, counts.total())
        return counts
    layout = find_layout(where, first_rows, sheet.delimiter)
    if layout.unused:
        log.warning("%s has columns that are not used: %s", where, ", ".join(layout.unused)[:200])
    header = next((names_units(row) for number, row in first_rows if number == layout.header), {})
    for number, row in itertools.chain(first_rows, rows):
        if number <= layout.header:
            if number < layout.header:
                reject(number, row, ABOVE_HEADER)
            continue
        try:
            parsed = layout.parse(row)
        except Reject as problem:
            named = names_units(row)
            filled = sum(bool(str(cell).strip()) for cell in row if cell is not None)
            if 2 * len(named) >= max(filled, 2) and named != header:
                raise UserError(
                    f"{where} row {number} names the AUs in other columns than {'above' if header else 'expected'}; "
                    "put each part with a header of its own in a file of its own."
                ) from None
            reject(number, row, HEADER_AGAIN if named and named == header else str(problem))
            continue
        write_label((sheet.table.name, sheet.name, number, parsed.url, parsed.url_orig, *parsed.labels))
        rates.add(parsed.labels)
        counts["labelled"] += 1
    log.info("%s was read %s", where, sheet.reader)
    return counts


def _filled_rows(sheet: Sheet, report_empty: Callable[[int, int], None]) -> Iterator[tuple[int, Row]]:
    """Yield the rows that are not blank, and report first number and count of each gap of rows that are."""
    first_empty, empty, last = 0, 0, 0
    for number, row in sheet.rows:
        absent = number - last - 1 if sheet.delimiter is None else 0  # workbooks do not store empty rows
        last = number
        blank = not any(str(cell).strip() for cell in row if cell is not None)
        if absent or blank:
            first_empty = first_empty or number - absent
            empty += absent + blank
        if not blank:
            if empty:
                report_empty(first_empty, empty)
            first_empty = empty = 0
            yield number, row
    if empty:
        report_empty(first_empty, empty)
