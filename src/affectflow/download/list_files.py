"""Read the URLs of a list in the forms in which lists are published, recognized by their content.

Parquet (LAION), workbooks, JSON and JSON lines (COYO), delimited text with a header (Conceptual 12M's ``url``, CSV of
LAION) or without one (Conceptual Captions' ``caption<TAB>url``), and text with one URL a line. Any text may be
compressed with gzip.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from affectflow.core.errors import UserError
from affectflow.tables.cells import is_missing
from affectflow.tables.delimited import DELIMITERS, find_header, open_table, split_line
from affectflow.tables.parquet import parquet_columns, parquet_length, parquet_names
from affectflow.tables.text import open_text
from affectflow.tables.workbook import is_workbook, read_workbook

_URL, _URL_ORIG, _SHA256 = "url", "url_orig", "sha256"
_NAMES = {"url": _URL, "urlorig": _URL_ORIG, "origurl": _URL_ORIG, "sha256": _SHA256}
"""Columns by their names in lower case, without blanks, quotes, hyphens and underscores."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_FIRST_LINES = 20
_HEADER_ROWS = 20
_EXPECTED = "a column 'url' (or name it with --url-column), or one URL a line"


class ListedUrl(NamedTuple):
    """A row of a list: the URL as written, and "" or a second URL and the digest that the image must have."""

    url: str
    url_orig: str = ""
    sha256: str = ""


class _Columns:
    """The columns of a list that are read, by their position."""

    def __init__(self, path: Path, header: Sequence[str], url_column: str | None) -> None:
        """Find the columns by their names.

        Raises:
            UserError: There is no column of URLs, or two.
        """
        self._found: dict[str, int] = {}
        for place, name in enumerate(header):
            known = column_of(name, url_column)
            if known is not None and self._found.setdefault(known, place) != place:
                raise UserError(
                    f"{path} has two columns for {known!r}: {header[self._found[known]]!r} and {name!r}; name the one "
                    "to use with --url-column, or remove one."
                )
        if _URL not in self._found:
            names = ", ".join(repr(name) for name in header if name)[:200]
            missing = f"no column {url_column!r}" if url_column else "no column 'url'"
            raise UserError(f"{path} has {missing}; found {names or 'no names'}. Give its name with --url-column.")

    def row(self, path: Path, where: str, cells: Sequence[object]) -> ListedUrl:
        """Return the row of some cells; raises :class:`UserError` for a digest that is not one."""
        texts = {name: _cell(cells[place]) if place < len(cells) else "" for name, place in self._found.items()}
        return _checked(f"{path}, {where}", texts)


def column_of(name: str, url_column: str | None) -> str | None:
    """Return which column of a list a name is that of: ``url``, ``url_orig``, ``sha256``, or None.

    Args:
        name: The name in the list.
        url_column: The name of the column of URLs, None for ``url`` in any case.
    """
    if url_column is not None and name.strip() == url_column:
        return _URL
    known = _NAMES.get(re.sub(r"[\s'\"_-]", "", name).lower())
    return None if known == _URL and url_column is not None else known


def read_urls(path: Path, url_column: str | None = None) -> Iterator[ListedUrl]:
    """Yield the rows of a list, also those without a URL, whose ``url`` is "".

    Args:
        path: The list.
        url_column: The name of the column of URLs, None for ``url`` in any case.

    Raises:
        UserError: The file is not such a list; while it is read, a row that cannot be told apart, with its line.
    """
    if _is_parquet(path):
        yield from _read_parquet(path, url_column)
    elif is_workbook(path):
        yield from _read_workbook(path, url_column)
    else:
        yield from _read_text(path, url_column)


def estimate(path: Path) -> int:
    """Estimate how many URLs a list has by its rows or lines."""
    if _is_parquet(path):
        return parquet_length(path)
    if is_workbook(path):
        return sum(1 for sheet in read_workbook(path) for _ in sheet.rows)
    with path.open("rb") as stream:
        return sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def _read_parquet(path: Path, url_column: str | None) -> Iterator[ListedUrl]:
    names = parquet_names(path)
    columns = _Columns(path, names, url_column)
    used = [name for name in names if column_of(name, url_column)]
    for number, cells in enumerate(parquet_columns(path, used), start=1):
        by_name = dict(zip(used, cells, strict=True))
        yield columns.row(path, f"row {number}", [by_name.get(name, "") for name in names])


def _read_workbook(path: Path, url_column: str | None) -> Iterator[ListedUrl]:
    found = False
    for sheet in read_workbook(path):
        first = list(itertools.islice(sheet.rows, _HEADER_ROWS))
        known = [sum(column_of(str(cell), url_column) is not None for cell in row) for _, row in first]
        if not any(known):
            rows = itertools.chain(first, sheet.rows)
            if any(_ADDRESS.match(str(cell).strip()) for _, row in rows for cell in row):
                raise UserError(
                    f"{path}, sheet {sheet.name}, has URLs, and no header with {_EXPECTED.split(',')[0]}; add one, or "
                    "remove the sheet."
                )
            continue  # notes beside the list
        found = True
        header = known.index(max(known))
        if above := next((n for n, row in first[:header] if any(_ADDRESS.match(str(c).strip()) for c in row)), None):
            raise UserError(f"{path}, sheet {sheet.name}, row {above}: a URL above the header; put the header first.")
        columns = _Columns(path, [str(cell) for cell in first[header][1]], url_column)
        for number, row in itertools.chain(first[header + 1 :], sheet.rows):
            yield columns.row(path, f"sheet {sheet.name}, row {number}", row)
    if not found:
        raise UserError(f"{path} has no sheet with {_EXPECTED.split(',')[0]}; add a header.")


def _read_text(path: Path, url_column: str | None) -> Iterator[ListedUrl]:
    with open_text(path) as stream:
        first = list(itertools.islice(stream, _FIRST_LINES))
        start = next((line.strip() for line in first if line.strip()), "")
        if start.startswith(("{", "[")):
            yield from _read_json(path, itertools.chain(first, stream), url_column, start)
            return
        if find_header(first, lambda name: column_of(name, url_column) is not None) is None:
            yield from _read_without_header(path, first, stream, url_column)
            return
    with open_table(path, lambda name: column_of(name, url_column) is not None, _EXPECTED, one_line=False) as table:
        columns = _Columns(path, table.header, url_column)
        for line, cells in table.rows:
            row = columns.row(path, f"line {line}", cells)
            if any("\n" in text and "://" in text.partition("\n")[2] for text in row):
                raise UserError(f"{path}, line {line}: a quote joins this line and others; correct its quotes.")
            yield row


def _read_without_header(
    path: Path, first: Sequence[str], stream: IO[str], url_column: str | None
) -> Iterator[ListedUrl]:
    """Read one URL a line, or the column of TAB separated lines that has URLs."""
    filled = [line.rstrip("\r\n") for line in first if line.strip()]
    if url_column is not None or _looks_like_header(path, filled):
        _Columns(path, max((split_line(filled[0], sign) for sign in DELIMITERS), key=len) if filled else [], url_column)
    widths = {len(split_line(line, ",")) for line in filled}
    if path.suffix.lower() == ".csv" and len(widths) == 1 < len(filled) and widths != {1}:
        raise UserError(
            f"{path} has no header, and it is not sure whether its commas belong to the URLs; add a line such as "
            "url,text, or put URLs in quotes."
        )
    lines = itertools.chain(first, stream)
    if not any("\t" in line.strip() for line in filled):
        yield from (ListedUrl(line.strip()) for line in lines if line.strip())
        return
    cells = [line.split("\t") for line in filled]
    width = len(cells[0])
    counts = [sum(len(row) == width and bool(_ADDRESS.match(row[c].strip())) for row in cells) for c in range(width)]
    if not any(counts) or 2 * max(counts) < len(cells):
        raise UserError(f"{path} has no header, and no column in which most cells are URLs; expected {_EXPECTED}.")
    column = counts.index(max(counts))
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = line.rstrip("\r\n").split("\t")
        if len(row) != width:
            raise UserError(f"{path}, line {number}, has {len(row)} cells, not {width} as the first; correct it.")
        yield ListedUrl(row[column].strip())


def _looks_like_header(path: Path, lines: Sequence[str]) -> bool:
    """Return whether the first line is a header without a known name, rather than a URL."""
    if not lines or "://" in lines[0]:
        return False
    if path.suffix.lower() in (".csv", ".tsv"):
        return True
    widths = ([len(split_line(line, sign)) for line in lines[:2]] for sign in DELIMITERS)
    return len(lines) > 1 and "://" in lines[1] and any(first == second > 1 for first, second in widths)


def _read_json(path: Path, lines: Iterable[str], url_column: str | None, start: str) -> Iterator[ListedUrl]:
    """Read a list of URLs or of objects, an object a line, or a table as pandas writes it."""
    lines = iter(lines)
    items: list[Any] | None = None
    if start.startswith("["):
        items = _parsed(str(path), "".join(lines))
    elif not _is_json(start):  # an object over several lines
        whole = _parsed(str(path), "".join(lines))
        items = _rows_of_table(whole, url_column) or [whole]
    else:
        first = list(itertools.takewhile(lambda line: not line.strip(), lines))
        more = list(itertools.islice(filter(str.strip, lines), 1))
        items = None if more else _rows_of_table(_parsed(str(path), start), url_column)
        lines = itertools.chain(first, [start], more, lines)
    if items is not None:
        for number, item in enumerate(items, start=1):
            yield _json_row(path, f"item {number}", item, url_column)
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _json_row(path, f"line {number}", _parsed(f"{path}, line {number},", line), url_column)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _rows_of_table(table: object, url_column: str | None) -> list[Any] | None:
    """Return the rows of a table by pandas' ``to_json``, in any of its orientations; None for another object."""
    if not isinstance(table, Mapping) or not table:
        return None
    data, names = table.get("data"), table.get("columns")
    if isinstance(data, list) and isinstance(names, list):  # split
        return [dict(zip(names, row, strict=True)) if _fits(row, names) else row for row in data]
    if isinstance(data, list) and "schema" in table:  # table
        return data
    columns = list(table.values())
    if all(isinstance(column, Mapping) and column for column in columns):
        if any(column_of(name, url_column) for name in table):  # columns
            keys = dict.fromkeys(key for column in columns for key in column)
            return [{name: column.get(key) for name, column in table.items()} for key in keys]
        return columns  # index
    return None


def _fits(row: object, names: list[Any]) -> bool:
    """Return whether a row has a cell for each column; others are named as they are read."""
    return isinstance(row, list) and len(row) == len(names)


def _parsed(where: str, text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not JSON ({error}); write an object a line, or a list.") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _json_row(path: Path, where: str, item: object, url_column: str | None) -> ListedUrl:
    if isinstance(item, str):
        return ListedUrl(item.strip())
    if not isinstance(item, Mapping):
        raise UserError(f"{path}, {where}: expected a URL, or an object with a key 'url'; correct it.")
    return _Columns(path, list(item), url_column).row(path, where, list(item.values()))


def _cell(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _checked(where: str, texts: Mapping[str, str]) -> ListedUrl:
    url, url_orig, sha256 = (texts.get(name, "") for name in (_URL, _URL_ORIG, _SHA256))
    digest = "" if is_missing(sha256) else sha256.strip().lower()
    if digest and not _DIGEST.fullmatch(digest):
        raise UserError(f"{where}: {digest[:80]!r} is not a SHA-256 of 64 hex digits; correct that row.")
    return ListedUrl(url, "" if is_missing(url_orig) else url_orig, digest)
