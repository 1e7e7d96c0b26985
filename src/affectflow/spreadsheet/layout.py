"""Determine the columns of an EmotioNet sheet, and parse its rows.

The released tables have 61 columns (URL, AU 1 .. AU 60) or 62 (URL, original URL, AU 1 .. AU 60), with or without a
header, whose cells may contain literal quotes and blanks. Copies have titles and comments above the header, a header of
two rows, other columns, and the AUs in another order; so the header is looked for among the first rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.facs.units import UNITS
from affectflow.tables.workbook import Row

NOT_ANNOTATED = 999
ABOVE_HEADER = "it is above the header"
HEADER_AGAIN = "it is the header again"
_VALUES = {"0": 0, "1": 1, "999": NOT_ANNOTATED, "0.0": 0, "1.0": 1, "999.0": NOT_ANNOTATED}
_URL = re.compile(r"https?://.", re.IGNORECASE)
_SECOND_URL = re.compile(r"[\r\n]\s*'?https?://", re.IGNORECASE)
_URL_NAMES = ("url", "urls", "imageurl", "imgurl", "link", "imagelink")
_ORIGINAL_NAMES = ("urlorig", "origurl", "originalurl", "urloriginal", "urlorig.", "url2", "orig", "original")
_NUMBERED_AND_NAMED = re.compile(r"(AU\s*_?\d+)\W+([a-z].*?)\W*", re.IGNORECASE)
_BY_NAME = {name: unit.number for unit in UNITS.values() for name in (unit.name_1978, unit.name) if name}
_MERGED = 2  # AUs that are followed by a column without a name
_MIN_NUMBERS = 4  # in a header that names AUs by bare numbers


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
        url: The column of the URL.
        original: The column of the original URL, None if there is none.
        units: The column of each AU 1 .. 60, None if it is missing.
        header: The number of the header's row, 0 if there is none.
        unused: The names of other columns.
        quoted: Whether cells are wrapped in literal single quotes, so that one at a URL's end does not belong to it.
        delimiter: What separates the cells of a text file, None for workbooks.
    """

    width: int
    url: int
    original: int | None
    units: tuple[int | None, ...]
    header: int
    unused: tuple[str, ...]
    quoted: bool
    delimiter: str | None

    def parse(self, row: Row) -> Labelled:
        """Parse a row that is not blank; raise :class:`Reject` with the reason if that is impossible."""
        cells = [_text(cell) for cell in row]
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        if self.delimiter is None:  # workbooks do not store blank cells
            cells += [""] * (self.width - len(cells))
        elif len(cells) > self.width and self.delimiter in (",", ";"):
            cells = self._rejoin(cells)
        if len(cells) != self.width:
            raise Reject(f"{len(cells)} columns, not {self.width}")
        url = self._unquoted(cells[self.url])
        original = self._unquoted(cells[self.original]) if self.original is not None else ""
        if not _URL.match(url.strip()):
            if not _URL.match(original.strip()):
                raise Reject(_without_url(url))
            url, original = original, ""
        if _SECOND_URL.search(url) or _SECOND_URL.search(original):
            raise Reject("the cell of the URL has several URLs")
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
        """Join the cells of URLs that unquoted delimiters split: the last columns are labels, the rest is URLs."""
        urls_width = 1 if self.original is None else 2
        only_labels_follow = set(range(urls_width, self.width)) == {c for c in self.units if c is not None}
        if self.url != 0 or self.original not in (None, 1) or not only_labels_follow:
            raise Reject(f"{len(cells)} columns, not {self.width}")
        labels = cells[len(cells) - (self.width - urls_width) :]
        first = cells[: len(cells) - len(labels)]
        if first[-1].strip().strip("'\"").strip() in _VALUES:
            raise Reject(f"{len(cells)} columns, not {self.width}, and a label cannot be told from a part of the URL")
        joined = f"{self.delimiter}".join(first)
        urls = re.split(rf"{self.delimiter}(?=\s*'?https?://)", joined, flags=re.IGNORECASE)
        if len(urls) != urls_width:
            raise Reject(f"{len(cells)} columns, not {self.width}, and the URLs cannot be told apart")
        return urls + labels


def has_url(rows: Sequence[tuple[int, Row]]) -> bool:
    """Return whether any cell of some rows is a URL."""
    return any(_URL.match(_text(cell).strip().lstrip("'")) for _, row in rows for cell in row)


def names_units(row: Row) -> dict[int, int]:
    """Return the AU of each column that a cell of a header names an AU for."""
    found = {column: _unit_of(_text(cell)) for column, cell in enumerate(row)}
    named = {column: unit for column, unit in found.items() if unit is not None}
    if named:
        return named
    return _numbered_units([_text(cell).strip().strip("'\"").strip() for cell in row])


def _unit_of(cell: str) -> int | None:
    """Return the AU that a cell of a header names: AU12, AU 12 (lip corner puller), lip corner puller."""
    text = cell.strip().strip("'\"").strip()
    unit = facs.parse_label(text)
    if unit is not None or not text:
        return unit
    name = re.sub(r"[\s_]+", " ", text.lower())
    both = _NUMBERED_AND_NAMED.fullmatch(name)
    if both is not None:
        unit = facs.parse_label(both[1])
        return unit if unit is not None and _BY_NAME.get(both[2]) == unit else None
    return _BY_NAME.get(name)


def _numbered_units(cells: Sequence[str]) -> dict[int, int]:
    """Return the AUs of a header of bare numbers: different ones from 1 to 60, in a row without a URL."""
    numbers = {column: int(cell) for column, cell in enumerate(cells) if cell.isascii() and cell.isdecimal()}
    different = len(set(numbers.values())) == len(numbers)
    in_range = all(1 <= number <= facs.COUNT for number in numbers.values())
    if len(numbers) < _MIN_NUMBERS or not different or not in_range or any(_URL.match(cell) for cell in cells):
        return {}
    return numbers


def find_layout(where: str, rows: Sequence[tuple[int, Row]], delimiter: str | None) -> Layout:
    """Determine the layout of a sheet.

    Args:
        where: The table and sheet, for messages.
        rows: Numbers and cells of the first rows that are not blank, up to a few hundred.
        delimiter: What separates the cells of a text file, None for workbooks.

    Raises:
        UserError: If the columns are not named after AUs, and not 61 or 62 in number; if the header is not above the
            rows of labels, or names an AU twice, or names no column of URLs.
    """
    texts = [[_text(cell) for cell in row] for _, row in rows]
    found = [names_units(row) for _, row in rows]
    index = max(range(len(rows)), key=lambda i: len(found[i]), default=0)
    if not rows or not found[index]:
        return _layout_by_position(where, rows, texts, delimiter)
    header, body = texts[index], texts[index + 1 :]
    if any(_URL.match(cell.strip().lstrip("'")) for row in texts[:index] for cell in row):
        number = rows[index][0]
        raise UserError(f"{where} names the AUs in row {number}, below rows with URLs; move that row to the top.")
    above = texts[index - 1] if index else []
    names = [
        cell.strip() or (above[column].strip() if column < len(above) else "") for column, cell in enumerate(header)
    ]
    while not names[-1]:
        names.pop()
    units: dict[int, int] = {}
    for column, unit in found[index].items():
        if units.setdefault(unit, column) != column:
            raise UserError(f"{where} names AU {unit} in two columns; remove one of them.")
    _check_no_subcolumns(where, names, found[index], body)
    url, original = _url_columns(where, names, found[index], body)
    used = {url, original, *units.values()}
    return Layout(
        width=len(names),
        url=url,
        original=original,
        units=tuple(units.get(unit) for unit in range(1, facs.COUNT + 1)),
        header=rows[index][0],
        unused=tuple(name for column, name in enumerate(names) if column not in used and name),
        quoted=any("'" in header[column] for column in found[index]) or _quoted(body, url),
        delimiter=delimiter,
    )


def _check_no_subcolumns(
    where: str, names: Sequence[str], units: Mapping[int, int], body: Sequence[Sequence[str]]
) -> None:
    """Raise :class:`UserError` where columns without a name follow an AU's, as below merged cells, and hold labels."""
    below = [
        unit
        for column, unit in units.items()
        if names[column + 1 : column + 2] in ([], [""])
        and any(len(row) > column + 1 and row[column + 1].strip() in _VALUES for row in body)
    ]
    if len(below) >= _MERGED:
        raise UserError(
            f"{where} has labels in a column without a name behind AU {below[0]} and others, as where an AU has one "
            "column for each side or coder; keep one column for each AU, and name it."
        )


def _url_columns(
    where: str, names: Sequence[str], units: Mapping[int, int], body: Sequence[Sequence[str]]
) -> tuple[int, int | None]:
    """Return the columns of the URL and the original URL: by their names, or else by their content."""
    others = [column for column in range(len(names)) if column not in units]
    plain = {column: re.sub(r"[\s'\"_-]", "", names[column]).lower() for column in others}
    urls = {c: sum(bool(_URL.match(row[c].strip().lstrip("'"))) for row in body if len(row) > c) for c in others}
    originals = [column for column in others if plain[column] in _ORIGINAL_NAMES]
    named = [column for column in others if plain[column] in _URL_NAMES]
    unnamed = [column for column in others if not plain[column] and urls[column]]
    by_content = [column for column in others if urls[column] and column not in originals]
    if len(named) > 1 and named[1] != named[0] + 1:
        raise UserError(
            f"{where} has the column {names[named[1]]!r} again beside other columns, as of two tables side by side; "
            "put each in a file of its own."
        )
    if not named and not unnamed and len(by_content) > 1:
        both = ", ".join(repr(names[column]) for column in by_content)
        raise UserError(f"{where} has several columns of URLs ({both}); name the one that is meant URL.")
    candidates = named or unnamed or by_content
    if not candidates:
        if body:
            raise UserError(f"{where} has no column of URLs beside the AUs; name the column URL.")
        candidates = others[:1] or [0]
    further = originals or candidates[1:] or [column for column in unnamed if column not in candidates]
    if len(originals) > 1 or (not originals and len(further) > 1):
        both = ", ".join(repr(names[column]) for column in [*candidates, *originals])
        raise UserError(
            f"{where} has several columns of URLs ({both}); name them URL and URL orig, or remove the rest."
        )
    return candidates[0], further[0] if further else None


def _layout_by_position(
    where: str, rows: Sequence[tuple[int, Row]], texts: Sequence[Sequence[str]], delimiter: str | None
) -> Layout:
    # The second column decides, since single rows may be short, or widened by an unquoted comma.
    seconds = [row[1].strip().removeprefix("'") for row in texts if len(row) > 1]
    originals = sum(bool(_URL.match(cell)) for cell in seconds)
    width = facs.COUNT + (2 if originals and originals >= sum(cell in _VALUES for cell in seconds) else 1)
    widths = Counter(len(_rstrip(row)) for row in texts)
    wider = delimiter in (",", ";")
    if rows and not any(found == width or (wider and found > width) for found in widths):
        raise UserError(
            f"{where} has {widths.most_common(1)[0][0]} columns and no header that names AUs; expected 61 (URL, AU 1 "
            "to AU 60) or 62 (URL, original URL, AU 1 to AU 60); correct the columns or add a header."
        )
    start = width - facs.COUNT
    for (number, _), row in zip(rows, texts, strict=True):
        if any(_URL.match(cell.strip().lstrip("'")) for cell in row):
            break
        if sum(bool(cell.strip()) and cell.strip().strip("'\"") not in _VALUES for cell in row[start:]) > 1:
            raise UserError(
                f"{where} row {number} looks like a header, but names no AU: {', '.join(filter(None, row))[:80]}; name "
                "the columns AU 1 to AU 60."
            )
    units = tuple(range(start, width))
    return Layout(width, 0, 1 if start == 2 else None, units, 0, (), _quoted(texts, 0), delimiter)


def _quoted(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Return whether most URLs of some rows end with a literal quote."""
    return 2 * sum(row[column].rstrip().endswith("'") for row in rows if len(row) > column) > len(rows)


def _rstrip(cells: Sequence[str]) -> Sequence[str]:
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


def _without_url(cell: str) -> str:
    if cell.startswith("="):
        return "the cell of the URL is a formula without a stored value; save the table in a spreadsheet program"
    return "no http or https URL"


def _value(unit: int, cell: str) -> int:
    text = cell.strip().strip("'\"").strip()
    value = _VALUES.get(text)
    if value is None:
        shown = "blank" if not text else repr(text[:40])
        raise Reject(f"AU {unit} is {shown}, not 0, 1 or 999 (not annotated)")
    return value
