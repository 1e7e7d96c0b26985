"""Text as tools and spreadsheet programs save it: lines, cells, numbers."""

from __future__ import annotations

import codecs
import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = (";", "\t", ",")


@dataclass(frozen=True, slots=True)
class Text:
    """A file's lines without their ends, and how many empty ones at its end are left out."""

    path: Path
    lines: list[str]
    blank: int = 0

    def delimiter(self, line: int) -> str:
        """What separates the cells of a header; where it is not the comma, that may stand in numbers."""
        return next((sign for sign in _DELIMITERS if sign in self.lines[line]), ",")

    def rows(self, first: int, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """From a line on (counted from 0), the numbers of lines, from 1, and their cells; empty lines are left out.

        Raises :class:`UserError` for what is no CSV.
        """
        reader = csv.reader(self.lines[first:], delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield first + reader.line_num, [cell.strip() for cell in cells]
        except csv.Error as error:
            where = f"line {first + reader.line_num}"
            raise UserError(
                f"{self.path}, {where}: the cells cannot be told apart ({error}); export it again."
            ) from None


def read_text(path: Path) -> Text:
    """UTF-8, or UTF-16 with a byte order mark; raises :class:`UserError` for anything else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); see what lies there.") from None
    try:
        text = data.decode("utf-16") if data.startswith(_UTF16) else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    if "\0" in text:
        raise UserError(f"{path} is no text; save it as UTF-8.")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    count = len(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    return Text(path, lines, count - len(lines))


def whole_row(path: Path, line: int, cells: Sequence[str], header: Sequence[str]) -> Sequence[str]:
    """The cells themselves; raises :class:`UserError` where they are not as many as columns."""
    if len(cells) < len(header):
        raise UserError(
            f"{path}, line {line}: {len(cells)} of {len(header)} cells; it is cut off there: export it again."
        )
    if any(cells[len(header) :]):
        raise UserError(
            f"{path}, line {line}: {len(cells)} cells under {len(header)} columns; write numbers with a decimal point."
        )
    return cells


def number(path: Path, line: int, cell: str, delimiter: str = ",") -> float:
    """Of a cell, NaN of an empty one; raises :class:`UserError` for what is no finite number."""
    if not cell.strip():
        return math.nan
    # A comma is a decimal comma where cells are separated by something else; else nobody can tell.
    text = cell.replace(",", ".") if delimiter != "," else cell
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path}, line {line}: {cell[:40]!r} is no number; write it with a decimal point.")
    return value


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell.replace(",", ".")))
    except ValueError:
        return False


def rising(path: Path, lines: Sequence[int], seconds: Sequence[float]) -> None:
    """Raise :class:`UserError` where times are missing, negative or fall."""
    before = -math.inf
    for line, at in zip(lines, seconds, strict=True):
        if math.isnan(at) or at < 0:
            raise UserError(f"{path}, line {line}: the time is missing or negative; export it again.")
        if at < before:
            raise UserError(f"{path}, line {line}: the time {at:g} s is before that of the line above; sort the lines.")
        before = at
