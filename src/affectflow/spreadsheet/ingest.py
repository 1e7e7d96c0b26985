"""Convert EmotioNet's spreadsheets to ``labels.csv`` and ``rejects.csv``, the first stage of the workflow."""

from __future__ import annotations

import itertools
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.spreadsheet.layout import Reject, find_layout
from affectflow.spreadsheet.rates import Rates
from affectflow.spreadsheet.read import Sheet, read_sheets
from affectflow.tables.csv_files import csv_writer

log = logging.getLogger(__name__)

LABEL_COLUMNS = ("table", "sheet", "row", "url", "url_orig", *facs.LABELS)
REJECT_COLUMNS = ("table", "sheet", "row", "reason", "cells")
_LAYOUT_ROWS = 200  # rows from which a sheet's layout is determined

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
            if not found["labelled"]:
                raise UserError(
                    f"{table} has no usable row; expected a URL and labels of 0, 1 or 999 in each; correct it."
                )
            rates.check(str(table))
            counts += found
    return counts


def _ingest_sheet(sheet: Sheet, rates: Rates, write_label: WriteRow, write_reject: WriteRow) -> Counter[str]:
    where = f"{sheet.table}, sheet {sheet.name}," if sheet.name else str(sheet.table)
    first_rows = list(itertools.islice(sheet.rows, _LAYOUT_ROWS))
    layout = find_layout(where, [row for _, row in first_rows], sheet.commas)
    counts: Counter[str] = Counter()
    header_due = layout.header
    for number, row in itertools.chain(first_rows, sheet.rows):
        if header_due and any(str(cell).strip() for cell in row if cell is not None):
            header_due = False
            continue
        try:
            parsed = layout.parse(row)
        except Reject as reject:
            cells = json.dumps([str(cell) for cell in row], ensure_ascii=True)
            write_reject((sheet.table.name, sheet.name, number, reject, cells))
            counts[str(reject)] += 1
            continue
        write_label((sheet.table.name, sheet.name, number, parsed.url, parsed.url_orig, *parsed.labels))
        rates.add(parsed.labels)
        counts["labelled"] += 1
    log.info("%s was read %s", where, sheet.reader)
    return counts
