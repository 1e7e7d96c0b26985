"""Read the rows of a table sheet by sheet, without interpreting them.

EmotioNet's tables are workbooks (.xlsx). Copies are also accepted as delimited text, in which cells may be quoted or
not. The content tells which of them a file is, whatever its name ends in.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.tables.delimited import first_delimiter, read_rows
from affectflow.tables.text import open_text
from affectflow.tables.workbook import Row, is_workbook, read_workbook

_FIRST_LINES = 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet.

    Attributes:
        table: The file.
        name: The sheet's name, "" for text files.
        rows: The rows with their numbers, from 1 as in spreadsheet programs; line numbers for text files.
        reader: A phrase that tells how the sheet is read.
        delimiter: What separates the cells of a text file, None for workbooks.
    """

    table: Path
    name: str
    rows: Iterator[tuple[int, Row]]
    reader: str
    delimiter: str | None = None


def read_sheets(table: Path) -> Iterator[Sheet]:
    """Yield all sheets of a table; a text file is one sheet.

    Raises:
        UserError: If the file is missing or damaged.
    """
    if not table.is_file():
        raise UserError(f"{table} does not exist; correct data.emotionet.tables.")
    if is_workbook(table):
        for sheet in read_workbook(table):
            yield Sheet(table, sheet.name, sheet.rows, sheet.reader)
        return
    with open_text(table) as stream:
        first_lines = list(itertools.islice(stream, _FIRST_LINES))
        delimiter, skipped = first_delimiter(first_lines)
        lines = itertools.chain(first_lines[skipped:], stream)
        yield Sheet(table, "", read_rows(table, lines, delimiter, skipped), "as text", delimiter)
