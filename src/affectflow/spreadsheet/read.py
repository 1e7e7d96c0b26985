"""Raw rows of a table, sheet by sheet: .xlsx through python-calamine or openpyxl, .csv and .txt as text."""

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
_TEXTS = (".csv", ".txt", ".tsv")
_TIMES_UNPACKED = 3  # memory that a sheet's cells take, by the size of its XML


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's rows with their numbers, counted from 1 as spreadsheet programs do.

    ``commas`` tells that columns are separated by commas, so that one in an unquoted URL makes a column too many;
    ``reader`` how the sheet is read.
    """

    table: Path
    name: str
    rows: Iterator[tuple[int, Row]]
    reader: str
    commas: bool = False


def read_sheets(table: Path) -> Iterator[Sheet]:
    """All sheets of a table; text files have one, without a name.

    Raises :class:`UserError` when the file is missing, of an unknown kind, or damaged.
    """
    if not table.is_file():
        raise UserError(f"{table} does not exist; correct data.emotionet.tables.")
    suffix = table.suffix.lower()
    if suffix in _WORKBOOKS:
        yield from _workbook(table)
    elif suffix in _TEXTS:
        yield Sheet(table, "", _text(table, "," if suffix == ".csv" else "\t"), "as text", commas=suffix == ".csv")
    else:
        raise UserError(f"{table} is no table that affectflow reads; give .xlsx, .csv or TAB separated .txt.")


def _workbook(table: Path) -> Iterator[Sheet]:
    """Calamine is ten times as fast and holds a sheet in memory as a whole; openpyxl goes row by row."""
    import python_calamine

    if _bytes_to_hold(table) > _available_bytes() // 2:
        yield from _openpyxl(table, "with openpyxl, row by row, since memory is short")
        return
    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(table))
    except Exception as error:  # calamine raises a kind of its own for each format
        if table.suffix.lower() in (".xlsx", ".xlsm"):
            yield from _openpyxl(table, "with openpyxl, since python-calamine could not open it")
            return
        raise _no_workbook(table, error) from None
    for name in workbook.sheet_names:
        try:
            sheet = workbook.get_sheet_by_name(name)
            # Leading empty rows are not delivered when skipped, and row numbers must be the user's.
            rows = sheet.to_python(skip_empty_area=False)
        except Exception as error:  # as above
            raise UserError(f"{table}, sheet {name}, cannot be read ({error}); save it again as .xlsx.") from None
        yield Sheet(table, name, iter(enumerate(rows, start=1)), "with python-calamine")


def _bytes_to_hold(table: Path) -> int:
    """About what calamine will take; 0 where that cannot be told."""
    try:
        with zipfile.ZipFile(table) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".xml"))
    except (OSError, zipfile.BadZipFile):
        return 0
    return _TIMES_UNPACKED * unpacked


def _available_bytes() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return sys.maxsize  # not told on this system


def _openpyxl(table: Path, reader: str) -> Iterator[Sheet]:
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(table, read_only=True, data_only=True)
    except Exception as error:  # a damaged zip, XML or anything between
        raise _no_workbook(table, error) from None

    def rows(sheet: Any) -> Iterator[Row]:
        try:
            for row in sheet.iter_rows(values_only=True):
                yield [("" if cell is None else cell) for cell in row]
        except Exception as error:  # the XML is parsed only now
            raise _no_workbook(table, error) from None

    for sheet in workbook.worksheets:
        yield Sheet(table, sheet.title, enumerate(rows(sheet), start=1), reader)


def _no_workbook(table: Path, error: Exception) -> UserError:
    return UserError(f"{table} cannot be read as a workbook ({error}); save it again as .xlsx.")


def _text(table: Path, delimiter: str) -> Iterator[tuple[int, Row]]:
    csv.field_size_limit(sys.maxsize)
    # TAB separated lists come from programs that quote nothing: a quote there is part of the URL.
    with table.open(newline="", encoding="utf-8-sig") as stream:
        if delimiter == ",":
            reader = csv.reader(stream, strict=True)  # else a stray quote swallows the rows up to the next one
        else:
            reader = csv.reader(stream, delimiter=delimiter, quoting=csv.QUOTE_NONE)
        try:
            while True:
                first_line = reader.line_num + 1
                try:
                    row = next(reader)
                except StopIteration:
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
