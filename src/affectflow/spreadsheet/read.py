"""Read the rows of a table sheet by sheet, without interpreting them.

EmotioNet's tables are workbooks (.xlsx), read with python-calamine or openpyxl. Copies are also accepted as CSV, in
which cells may be quoted or not, and as TAB-separated text (.txt, .tsv), in which quotes are part of the cells.
"""

from __future__ import annotations

import csv
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectflow.core.errors import UserError

Row = Sequence[object]
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
_TEXT_FILES = (".csv", ".txt", ".tsv")
_MEMORY_PER_XML_BYTE = 3  # bytes that python-calamine needs


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet.

    Attributes:
        table: The file.
        name: The sheet's name, "" for text files.
        rows: The rows with their numbers, from 1 as in spreadsheet programs; line numbers for text files.
        reader: A phrase that tells how the sheet is read.
        commas: Whether columns are separated by commas, so that one in an unquoted URL adds a column.
    """

    table: Path
    name: str
    rows: Iterator[tuple[int, Row]]
    reader: str
    commas: bool = False


def read_sheets(table: Path) -> Iterator[Sheet]:
    """Yield all sheets of a table; a text file is one sheet.

    Raises:
        UserError: If the file is missing, of an unknown type, or damaged.
    """
    if not table.is_file():
        raise UserError(f"{table} does not exist; correct data.emotionet.tables.")
    suffix = table.suffix.lower()
    if suffix in _WORKBOOKS:
        yield from _workbook(table)
    elif suffix in _TEXT_FILES:
        yield Sheet(table, "", _text(table, "," if suffix == ".csv" else "\t"), "as text", commas=suffix == ".csv")
    else:
        raise UserError(f"{table} is not a table that affectflow reads; give .xlsx, .csv or TAB-separated .txt.")


def _workbook(table: Path) -> Iterator[Sheet]:
    """Read a workbook with python-calamine, or row by row with openpyxl if memory is short.

    python-calamine is ten times as fast, and holds a whole sheet in memory.
    """
    import python_calamine

    if _memory_needed(table) > _available_bytes() // 2:
        yield from _openpyxl(table, "with openpyxl, row by row, since memory is short")
        return
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(table))
    except Exception as error:  # each format has its own exceptions
        if table.suffix.lower() in (".xlsx", ".xlsm"):
            yield from _openpyxl(table, "with openpyxl, since python-calamine could not open it")
            return
        raise _unreadable(table, error) from None
    for name in workbook.sheet_names:
        try:
            sheet = workbook.get_sheet_by_name(name)
            # With leading empty rows skipped, row numbers would not be those of spreadsheet programs.
            rows = sheet.to_python(skip_empty_area=False)
        except Exception as error:  # as above
            raise UserError(f"{table}, sheet {name}, cannot be read ({error}); save it again as .xlsx.") from None
        yield Sheet(table, name, iter(enumerate(rows, start=1)), "with python-calamine")


def _memory_needed(table: Path) -> int:
    """Estimate the bytes that python-calamine needs; 0 for files that are not zipped XML."""
    try:
        with zipfile.ZipFile(table) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".xml"))
    except (OSError, zipfile.BadZipFile):
        return 0
    return _MEMORY_PER_XML_BYTE * unpacked


def _available_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return sys.maxsize  # unknown on this system


def _openpyxl(table: Path, reader: str) -> Iterator[Sheet]:
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(table, read_only=True, data_only=True)
    except Exception as error:  # a damaged zip, XML or anything between
        raise _unreadable(table, error) from None

    def rows(sheet: Any) -> Iterator[Row]:
        try:
            for row in sheet.iter_rows(values_only=True):
                yield [("" if cell is None else cell) for cell in row]
        except Exception as error:  # the XML is parsed only now
            raise _unreadable(table, error) from None

    for sheet in workbook.worksheets:
        yield Sheet(table, sheet.title, enumerate(rows(sheet), start=1), reader)


def _unreadable(table: Path, error: Exception) -> UserError:
    return UserError(f"{table} cannot be read as a workbook ({error}); save it again as .xlsx.")


def _text(table: Path, delimiter: str) -> Iterator[tuple[int, Row]]:
    # Programs that write TAB-separated lists quote nothing, so a quote is part of the URL.
    with table.open(newline="", encoding="utf-8-sig") as stream:
        if delimiter == ",":
            reader = csv.reader(stream, strict=True)  # without it a stray quote joins all rows up to the next one
        else:
            reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        try:
            while True:
                first_line = reader.line_num + 1
                limit = csv.field_size_limit(sys.maxsize)  # of the process, so it is restored after each row
                try:
                    row = next(reader, None)
                finally:
                    csv.field_size_limit(limit)
                if row is None:
                    return
                yield first_line, row
        except UnicodeDecodeError as error:
            raise UserError(
                f"{table} is not UTF-8 after line {reader.line_num} ({error.reason}); save it as UTF-8."
            ) from None
        except csv.Error as error:
            raise UserError(
                f"{table}, line {first_line}, is not CSV ({error}, in line {reader.line_num}); correct its quotes."
            ) from None
