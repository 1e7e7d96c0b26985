"""Determine the columns of an EmotioNet sheet, and parse its rows.

The released tables have 61 columns (URL, AU 1 .. AU 60) or 62 (URL, original URL, AU 1 .. AU 60), with or without a
header, whose cells may contain literal quotes and blanks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.spreadsheet.read import Row

NOT_ANNOTATED = 999
EMPTY = "the row is empty"
_VALUES = {"0": 0, "1": 1, "999": NOT_ANNOTATED, "0.0": 0, "1.0": 1, "999.0": NOT_ANNOTATED}
_URL = re.compile(r"https?://.", re.IGNORECASE)
_NEXT_URL = re.compile(r",(?=\s*'?https?://)", re.IGNORECASE)


class Reject(Exception):
    """A row that cannot be used; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A usable row: both URLs exactly as written, and 60 labels of 0, 1 or 999 (not annotated)."""

    url: str
    url_orig: str
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a sheet.

    Attributes:
        width: How many there are.
        original: The column of the original URL, None if there is none.
        units: The column of each AU 1 .. 60, None if it is missing.
        header: Whether the first filled row is a header.
        quoted: Whether cells are wrapped in literal single quotes, so that one at a URL's end does not belong to it.
        commas: Whether columns are separated by commas, so that one in an unquoted URL adds a column.
    """

    width: int
    original: int | None
    units: tuple[int | None, ...]
    header: bool
    quoted: bool
    commas: bool

    def parse(self, row: Row) -> Labelled:
        """Parse a row; raise :class:`Reject` with the reason if that is impossible."""
        cells = [_text(cell) for cell in row]
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        if not any(cell.strip() for cell in cells):
            raise Reject(EMPTY)
        if len(cells) > self.width and self.commas:
            cells = self._rejoin(cells)
        if len(cells) != self.width:
            raise Reject(f"{len(cells)} columns, not {self.width}")
        url = self._unquoted(cells[0])
        original = self._unquoted(cells[self.original]) if self.original is not None else ""
        if not _URL.match(url.strip()):
            if not _URL.match(original.strip()):
                raise Reject("no http or https URL")
            url, original = original, ""
        labels = tuple(
            NOT_ANNOTATED if column is None else _value(unit, cells[column])
            for unit, column in enumerate(self.units, start=1)
        )
        return Labelled(url, "" if original.strip() in ("", url) else original, labels)

    def _unquoted(self, cell: str) -> str:
        """Remove the literal quotes that some sheets wrap around a URL, and nothing else."""
        text = cell.strip()
        wrapped = text.startswith("'")
        if wrapped or (self.quoted and text.endswith("'")):
            return text.removeprefix("'").removesuffix("'")
        return cell

    def _rejoin(self, cells: list[str]) -> list[str]:
        """Join the cells of URLs that unquoted commas split: the last columns are the labels, the rest is URLs."""
        urls_width = 1 if self.original is None else 2
        labels = cells[len(cells) - (self.width - urls_width) :]
        first = cells[: len(cells) - len(labels)]
        if first[-1].strip().strip("'\"").strip() in _VALUES:
            raise Reject(f"{len(cells)} columns, not {self.width}, and a label cannot be told from a part of the URL")
        joined = ",".join(first)
        urls = _NEXT_URL.split(joined)
        if len(urls) != urls_width or self.original not in (None, 1):
            raise Reject(f"{len(cells)} columns, not {self.width}, and the URLs cannot be told apart")
        return urls + labels


def find_layout(where: str, rows: Sequence[Row], commas: bool) -> Layout:
    """Determine the layout of a sheet.

    Args:
        where: The table and sheet, for messages.
        rows: The first rows, up to a few hundred.
        commas: Whether columns are separated by commas.

    Raises:
        UserError: If the columns are not named after AUs, and not 61 or 62 in number.
    """
    filled = [[_text(cell) for cell in row] for row in rows if any(_text(cell).strip() for cell in row)]
    if not filled:
        units = tuple(range(1, facs.COUNT + 1))
        return Layout(facs.COUNT + 1, None, units, header=False, quoted=False, commas=commas)
    first = filled[0]
    while first and not first[-1].strip():
        first = first[:-1]
    named = {column: facs.parse_label(cell) for column, cell in enumerate(first)}
    body = filled[1:] if any(named.values()) else filled
    quoted_urls = sum(row[0].rstrip().endswith("'") for row in body if row)
    quoted = any("'" in cell for cell in first if facs.parse_label(cell)) or 2 * quoted_urls > len(body)
    if any(named.values()):
        return _named_layout(where, first, named, quoted, commas)
    # The second column decides, since single rows may be short, or widened by an unquoted comma.
    seconds = [row[1].strip().removeprefix("'") for row in filled if len(row) > 1]
    originals = sum(bool(_URL.match(cell)) for cell in seconds)
    width = facs.COUNT + (2 if originals and originals >= sum(cell in _VALUES for cell in seconds) else 1)
    widths = Counter(len(_rstrip(row)) for row in filled)
    if not any(found == width or (commas and found > width) for found in widths):
        raise UserError(
            f"{where} has {widths.most_common(1)[0][0]} columns and no header that names AUs; expected 61 (URL, AU 1 "
            "to AU 60) or 62 (URL, original URL, AU 1 to AU 60); correct the columns or add a header."
        )
    start = width - facs.COUNT
    units = tuple(range(start, width))
    return Layout(width, 1 if start == 2 else None, units, header=False, quoted=quoted, commas=commas)


def _named_layout(where: str, header: list[str], named: dict[int, int | None], quoted: bool, commas: bool) -> Layout:
    columns: dict[int, int] = {}
    for column, unit in named.items():
        if unit is not None and columns.setdefault(unit, column) != column:
            raise UserError(f"{where} names AU {unit} in two columns; remove one of them.")
    others = [column for column, unit in named.items() if unit is None]
    if not others or others[0] != 0:
        raise UserError(f"{where} has an AU in its first column; put the URL there.")
    if len(others) > 2:
        raise UserError(
            f"{where} has a column {header[others[2]].strip()!r} that is neither a URL nor an AU; remove it."
        )
    original = others[1] if len(others) == 2 else None
    units = tuple(columns.get(unit) for unit in range(1, facs.COUNT + 1))
    return Layout(len(header), original, units, header=True, quoted=quoted, commas=commas)


def _rstrip(cells: list[str]) -> list[str]:
    end = len(cells)
    while end and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _value(unit: int, cell: str) -> int:
    text = cell.strip().strip("'\"").strip()
    value = _VALUES.get(text)
    if value is None:
        shown = "blank" if not text else repr(text[:40])
        raise Reject(f"AU {unit} is {shown}, not 0, 1 or 999 (not annotated)")
    return value
