"""Read delimited text that other programs wrote: strictly, with encoding, delimiter and header found by content.

A row with more or fewer cells than the header, a stray quote, a line break in a cell that is used, and a cell that
holds whole rows, as between two stray quotes, are errors with their line: each of them shifts or swallows rows without
a sign in readers that guess.
"""

from __future__ import annotations

import csv
import itertools
import logging
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.tables.text import open_text

log = logging.getLogger(__name__)

DELIMITERS = (",", "\t", ";", "|")
_HEADER_LINES = 20
"""Among these first lines the header is found, below titles and comments."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_BEHIND_BLANK = re.compile(r', "')
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_VALUE = re.compile(r"\s*(?:[+-]?\d+(?:[.,]\d+)?|https?://.*)\s*", re.IGNORECASE)
"""A number or a URL: what the columns that are used hold, and prose does not."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A table that is being read.

    Attributes:
        path: The file.
        header: Names of the columns, without blanks around them; "" for a column without one.
        delimiter: What separates cells.
        rows: The line number (from 1) and cells of each row that is not blank.
    """

    path: Path
    header: tuple[str, ...]
    delimiter: str
    rows: Iterator[tuple[int, list[str]]]


@contextmanager
def open_table(
    path: Path, is_known: Callable[[str], bool], expected: str, one_line: bool = True
) -> Iterator[Delimited]:
    """Open a file as a table (:func:`table_of`), which can be read in the block.

    Args:
        path: The file.
        is_known: Whether a name is that of a column that the caller uses.
        expected: The columns, for messages.
        one_line: Whether a line break in a cell of a known column is an error.

    Raises:
        UserError: As :func:`table_of`; and where the file cannot be read.
    """
    with open_text(path) as stream:
        yield table_of(path, stream, is_known, expected, one_line)


def table_of(
    path: Path, lines: Iterable[str], is_known: Callable[[str], bool], expected: str, one_line: bool = True
) -> Delimited:
    """Return the table in lines, by its header: the first of them with the most names of columns that are known.

    Args:
        path: The file, for messages.
        lines: Its lines, with line ends.
        is_known: Whether a name is that of a column that the caller uses.
        expected: The columns, for messages.
        one_line: Whether a line break in a cell of a known column is an error.

    Raises:
        UserError: None of the first lines names a known column, a name occurs twice; while rows are read, a stray
            quote, another number of cells than in the header, a line break in a cell of a known column, or a cell that
            holds rows.
    """
    lines = iter(lines)
    first_lines = list(itertools.islice(lines, _HEADER_LINES))
    found = find_header(first_lines, is_known)
    if found is None:
        start = next((line.strip() for line in first_lines if line.strip()), "")
        problem = f"begins with {start[:80]!r}" if start else "is empty"
        raise UserError(f"{path} {problem}; expected a header with {expected}.")
    index, delimiter = found
    for number, line in enumerate(first_lines[:index], start=1):
        if line.strip() and not _SEPARATOR_LINE.fullmatch(line):
            log.warning("%s, line %d, is above the header and is not used: %s", path, number, line.strip()[:80])
    rows = read_rows(path, itertools.chain(first_lines[index:], lines), delimiter, index)
    header_line, names = next(rows)
    header = tuple(name.strip().strip("\ufeff") for name in names)
    check_names(f"{path}, line {header_line},", header, is_known)
    known = {column for column, name in enumerate(header) if is_known(name)}
    return Delimited(path, header, delimiter, _checked(path, header, delimiter, rows, known, one_line))


def check_names(where: str, header: Iterable[str], is_known: Callable[[str], bool]) -> None:
    """Check that no column that is used occurs twice.

    Args:
        where: The table, for messages.
        header: The names of its columns.
        is_known: Whether a name is that of a column that the caller uses.

    Raises:
        UserError: One does.
    """
    counts = Counter(name for name in header if is_known(name))
    twice = next((name for name, count in counts.items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{where} has the column {twice!r} twice; remove one of them.")


def find_header(lines: list[str], is_known: Callable[[str], bool]) -> tuple[int, str] | None:
    """Return the index of the header among the first lines of a file, and the delimiter; None if there is none.

    Args:
        lines: The first lines.
        is_known: Whether a name is that of a column that the caller uses.
    """
    best, most = None, 0
    named = next((match[1] for line in lines if (match := _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n")))), None)
    for index, line in enumerate(lines):
        if "://" in line:
            continue  # a URL, in which names may stand between delimiters
        for delimiter in (named,) if named is not None else DELIMITERS:
            known = sum(is_known(name.strip().strip("\ufeff")) for name in split_line(line, delimiter))
            if known > most:
                best, most = (index, delimiter), known
    return best


def first_delimiter(lines: list[str]) -> tuple[str, int]:
    """Return what separates the cells of a table that may lack a header, and how many first lines only say so.

    It is what occurs most often in a line, so a table needs more columns than cells have delimiters in them.

    Args:
        lines: The first lines of the file.
    """
    for index, line in enumerate(lines):
        if match := _SEPARATOR_LINE.fullmatch(line.rstrip("\r\n")):
            return match[1], index + 1
        if line.strip():
            break
    return max(DELIMITERS, key=lambda delimiter: max((line.count(delimiter) for line in lines), default=0)), 0


def split_line(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line that may be a header; none where a quoted cell does not end in it.

    Args:
        line: The line.
        delimiter: What separates cells.
    """
    if delimiter == "\t":
        return line.rstrip("\r\n").split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:  # a quoted cell goes on in the next line, or the cell is too long for a name
        return []


def read_rows(path: Path, lines: Iterable[str], delimiter: str, before: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number (from 1) and cells of each row, quotes parsed strictly.

    Programs that write TAB-separated text quote nothing, so quotes are part of a cell there, but for those around a
    whole cell.

    Args:
        path: The file, for messages.
        lines: Its lines.
        delimiter: What separates cells.
        before: How many lines were read before.

    Raises:
        UserError: A quote is missing or too many.
    """
    if delimiter == "\t":
        for number, line in enumerate(lines, start=before + 1):
            yield number, [_unquoted(cell) for cell in line.rstrip("\r\n").split("\t")]
        return
    lines = iter(lines)
    head = next(lines, "")
    # Some programs write a blank behind each comma, also before a quote.
    blank = _BEHIND_BLANK.search(head) is not None
    reader = csv.reader(itertools.chain([head], lines), delimiter=delimiter, strict=True, skipinitialspace=blank)
    while True:
        first_line = before + reader.line_num + 1
        limit = csv.field_size_limit(sys.maxsize)  # of the process, so it is restored after each row
        try:
            row = next(reader, None)
        except csv.Error as error:
            last = before + reader.line_num
            raise UserError(
                f"{path}, line {first_line}, is not CSV ({error}, in line {last}); correct its quotes."
            ) from None
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield first_line, row


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', ""):
        return cell[1:-1].replace('""', '"')
    return cell


def _checked(
    path: Path,
    header: tuple[str, ...],
    delimiter: str,
    rows: Iterator[tuple[int, list[str]]],
    known: set[int],
    one_line: bool,
) -> Iterator[tuple[int, list[str]]]:
    width = len(header)
    for line, cells in rows:
        if len(cells) != width:
            if not any(cell.strip() for cell in cells):
                continue  # spreadsheet programs fill blank rows with delimiters
            raise UserError(
                f"{path}, line {line}, has {len(cells)} cells, but the header has {width}; correct the line, and put "
                "cells that contain the delimiter in quotes."
            )
        if not any(cell.strip() for cell in cells):
            continue
        for column, cell in enumerate(cells):
            if "\n" not in cell and "\r" not in cell:
                continue
            if one_line and column in known:
                raise UserError(
                    f"{path}, line {line}: the cell {header[column]} goes over several lines; correct its quotes."
                )
            if _holds_rows(cell, column, width, delimiter, known):
                raise UserError(
                    f"{path}, line {line}: the cell {header[column] or column + 1} holds rows of the table, as between "
                    "two stray quotes; correct its quotes."
                )
        yield line, cells


def _holds_rows(cell: str, column: int, width: int, delimiter: str, known: set[int]) -> bool:
    """Return whether a line of a cell is a row, or the part of one that lies on the inner side of a stray quote."""
    pieces = _LINE_BREAK.split(cell)
    for number, piece in enumerate(pieces):
        first = column if number == 0 else 0
        last = column if number == len(pieces) - 1 else width - 1
        texts = dict(enumerate(split_line(piece, delimiter), start=first))
        if len(texts) == last - first + 1 > 1 and any(_VALUE.fullmatch(texts[place]) for place in known & texts.keys()):
            return True
    return False
