"""Read the sheets of workbooks (.xlsx, .xlsm, .xls, .ods) row by row, without interpreting them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.tables.xlsx import OfficeXml

log = logging.getLogger(__name__)

Row = Sequence[object]
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet.

    Attributes:
        name: The sheet's name.
        rows: The rows with their numbers, from 1 as in spreadsheet programs; rows without any cell are left out.
        reader: A phrase that tells how the sheet is read.
    """

    name: str
    rows: Iterator[tuple[int, Row]]
    reader: str


def is_workbook(path: Path) -> bool:
    """Return whether a file is a workbook by its content, whatever its name ends in."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) in (_ZIP, _OLE)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path and its permissions.") from None


def read_workbook(path: Path) -> Iterator[Sheet]:
    """Yield the sheets of a workbook.

    python-calamine reads them, which holds the whole rectangle of a sheet in memory. Sheets of .xlsx files of which it
    would make a rectangle that is too large, and those with links or formulas, are read cell by cell from their XML:
    links and formulas have the URL where the cell shows another text.

    Raises:
        UserError: The file is damaged, or has a password.
    """
    xml = _open_xml(path)
    if xml is not None:
        for sheet in xml.sheets:
            needed = xml.what_calamine_lacks(sheet)
            if needed:
                yield Sheet(sheet.name, _named_errors(path, xml.rows(sheet)), f"cell by cell, since {needed}")
            else:
                yield next(_read_with_calamine(path, [sheet.name]))
    else:
        yield from _read_with_calamine(path, None)


def _open_xml(path: Path) -> OfficeXml | None:
    """Return the parts of an .xlsx file; None for another kind of file."""
    try:
        return OfficeXml.open(path)
    except Exception:  # damaged archives and XML raise many kinds
        return None  # python-calamine says what is wrong with it


def _read_with_calamine(path: Path, names: list[str] | None) -> Iterator[Sheet]:
    import python_calamine

    try:
        workbook = python_calamine.CalamineWorkbook.from_path(str(path))
    except Exception as error:  # each format has its own exceptions
        raise _unreadable(path, error) from None
    charts = {sheet.name for sheet in workbook.sheets_metadata if sheet.typ != python_calamine.SheetTypeEnum.WorkSheet}
    for name in workbook.sheet_names if names is None else names:
        if name in charts:
            continue
        try:
            sheet = workbook.get_sheet_by_name(name)
            # With leading empty rows skipped, row numbers would not be those of spreadsheet programs.
            rows = sheet.to_python(skip_empty_area=False)
        except Exception as error:  # as above
            raise UserError(f"{path}, sheet {name}, cannot be read ({error}); save it again as .xlsx.") from None
        yield Sheet(name, ((i, row) for i, row in enumerate(rows, start=1) if any(c != "" for c in row)), "as a whole")


def _named_errors(path: Path, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    try:
        yield from rows
    except Exception as error:  # damaged compression, XML or numbers
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} cannot be read as a workbook ({error}); save it again as .xlsx.")
