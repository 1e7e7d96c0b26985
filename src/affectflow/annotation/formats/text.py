"""Text as annotation tools and spreadsheet programs save it: lines, cells, numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.tables import cells
from affectflow.tables.text import open_text

_DELIMITERS = (";", "\t", ",")


@dataclass(frozen=True, slots=True)
class Text:
    """The lines of a file without line ends, and the number of empty lines at its end, which are left out."""

    path: Path
    lines: list[str]
    blank: int = 0

    def delimiter(self, line: int) -> str:
        """Return the delimiter of a header; if it is not the comma, numbers may have a decimal comma."""
        return next((sign for sign in _DELIMITERS if sign in self.lines[line]), ",")

    def rows(self, first: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Yield line number (from 1) and cells of each row that is not empty.

        Args:
            first: Index of the first line, from 0.
            delimiter: What separates cells.

        Raises:
            UserError: The lines are not CSV.
        """
        reader = csv.reader(self.lines[first:], delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield first + reader.line_num, [cell.strip() for cell in cells]
        except csv.Error as error:
            line = first + reader.line_num
            raise UserError(f"{self.path}, line {line}: this is not CSV ({error}); export it again.") from None


def read_text(path: Path) -> Text:
    """Read a text file in the encoding that its content shows.

    Raises:
        UserError: The file cannot be read or has another encoding.
    """
    with open_text(path) as stream:
        return text_of(path, stream.read())


def text_of(path: Path, content: str) -> Text:
    """Return a text by its lines.

    Args:
        path: The file, for messages.
        content: Its content.

    Raises:
        UserError: It is not text.
    """
    if "\0" in content:
        raise UserError(f"{path} is not text; save it as UTF-8.")
    lines = content.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    count = len(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return Text(path, lines, count - len(lines))


def check_row(path: Path, line: int, cells: Sequence[str], header: Sequence[str]) -> Sequence[str]:
    """Return the cells of a row.

    Args:
        path: The file, for messages.
        line: Line number, for messages.
        cells: The cells.
        header: The names of the columns.

    Raises:
        UserError: The row does not have as many cells as the header.
    """
    if len(cells) < len(header):
        raise UserError(
            f"{path}, line {line}: {len(cells)} of {len(header)} cells; the line is truncated: export it again."
        )
    if any(cells[len(header) :]):
        raise UserError(
            f"{path}, line {line}: {len(cells)} cells under {len(header)} columns; write numbers with a decimal point."
        )
    return cells


def parse_number(path: Path, line: int, cell: str, delimiter: str = ",") -> float:
    """Return the number in a cell, NaN for a missing value (:func:`affectflow.tables.cells.is_missing`).

    Args:
        path: The file, for messages.
        line: Line number, for messages.
        cell: The text.
        delimiter: What separates cells.

    Raises:
        UserError: The cell is not a finite number.
    """
    try:
        return cells.parse_number(cell, delimiter)
    except ValueError:
        raise UserError(f"{path}, line {line}: {cell[:40]!r} is not a number; write it with a decimal point.") from None


def is_number(cell: str) -> bool:
    """Return whether a cell is a finite number, with a decimal point or a decimal comma."""
    try:
        return math.isfinite(float(cell.replace(",", ".")))
    except ValueError:
        return False


def check_rising(path: Path, lines: Sequence[int], seconds: Sequence[float]) -> None:
    """Check that times are given, not negative and not falling.

    Args:
        path: The file, for messages.
        lines: The line number of each time, for messages.
        seconds: The times in seconds, NaN for one that is missing.

    Raises:
        UserError: A time is missing, negative, or before that of the line above.
    """
    before = -math.inf
    for line, time in zip(lines, seconds, strict=True):
        if math.isnan(time) or time < 0:
            raise UserError(f"{path}, line {line}: the time is missing or negative; export it again.")
        if time < before:
            raise UserError(
                f"{path}, line {line}: the time {time:g} s is before that of the line above; sort the lines."
            )
        before = time
