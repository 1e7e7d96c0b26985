"""The first stage: EmotioNet's tables -> ``labels.csv`` and ``rejects.csv``."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from affectflow import facs
from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.spreadsheet.layout import Reject, find_layout
from affectflow.spreadsheet.rates import Rates
from affectflow.spreadsheet.read import read_sheets
from affectflow.tables.csv_files import csv_writer

LABEL_COLUMNS = ("table", "sheet", "row", "url", "url_orig", *facs.LABELS)
REJECT_COLUMNS = ("table", "sheet", "row", "reason", "cells")
_PEEK = 200  # rows from which a sheet's layout is told


def ingest(tables: Sequence[Path], labels: Path, rejects: Path) -> Counter[str]:
    """Read every row of every sheet; each ends in one of the two files, headers in neither.

    URLs are kept exactly as written. Labels are 0, 1 or 999 (not annotated). A reject keeps its table, sheet, row
    number, reason, and its cells as a JSON list. Returns how many rows were ``labelled`` or rejected by reason.
    Raises :class:`UserError` when a table as a whole cannot be read, holds no usable row, or has its labels in the
    wrong columns.
    """
    counts: Counter[str] = Counter()
    with (
        atomic_write(labels) as labels_partial,
        atomic_write(rejects) as rejects_partial,
        labels_partial.open("w", newline="", encoding="utf-8", errors="surrogatepass") as labels_stream,
        rejects_partial.open("w", newline="", encoding="utf-8", errors="surrogatepass") as rejects_stream,
    ):
        labelled, rejected = csv_writer(labels_stream), csv_writer(rejects_stream)
        labelled(LABEL_COLUMNS)
        rejected(REJECT_COLUMNS)
        for table in tables:
            usable, rates = 0, Rates()
            for sheet in read_sheets(table):
                where = f"{table}, sheet {sheet.name}," if sheet.name else str(table)
                peeked = list(itertools.islice(sheet.rows, _PEEK))
                layout = find_layout(where, [row for _, row in peeked], sheet.commas)
                header_due = layout.header
                for number, row in itertools.chain(peeked, sheet.rows):
                    if header_due and any(str(cell).strip() for cell in row if cell is not None):
                        header_due = False
                        continue
                    try:
                        parsed = layout.parse(row)
                    except Reject as reject:
                        cells = json.dumps([str(cell) for cell in row], ensure_ascii=True)
                        rejected((table.name, sheet.name, number, reject, cells))
                        counts[str(reject)] += 1
                        continue
                    labelled((table.name, sheet.name, number, parsed.url, parsed.url_orig, *parsed.labels))
                    rates.add(parsed.labels)
                    usable += 1
                print(f"{where} was read {sheet.reader}")
            if not usable:
                raise UserError(f"{table} holds no usable row; expected a URL and labels of 0, 1 or 999 in each.")
            rates.check(str(table))
            counts["labelled"] += usable
    return counts
