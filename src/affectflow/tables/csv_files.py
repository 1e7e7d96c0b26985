"""Read and write CSV files with declared columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.tables.text import open_text


def write_csv(path: Path | str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a UTF-8 CSV with a header, atomically; returns the number of rows.

    Names of files that are not UTF-8 are written with backslashes.

    Args:
        path: The file.
        columns: Names of the columns.
        rows: Cells of each row, in the order of the columns.
    """
    count = 0
    with (
        atomic_write(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        write_row = csv_writer(stream)
        write_row(columns)
        for row in rows:
            write_row(row)
            count += 1
    return count


def csv_writer(stream: IO[str]) -> Callable[[Sequence[object]], object]:
    """Return a function that writes a row so that every cell reads back exactly."""
    minimal = csv.writer(stream, lineterminator="\n")
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write_row(cells: Sequence[object]) -> object:
        # A lone carriage return ends a line for readers, but Python before 3.13 does not quote it.
        return (quoted if any("\r" in str(cell) for cell in cells) else minimal).writerow(cells)

    return write_row


def read_csv(path: Path | str, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV as mappings; raises :class:`UserError` where a column is missing.

    Args:
        path: The file.
        columns: Names of the columns that it must have, beside any others.
    """
    with open_text(path) as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"{path} has no column {missing[0]!r}; expected {', '.join(columns)}.")
        yield from reader


def read_facts(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a data file of the package: a CSV with comment lines (``#``) that name its source.

    Args:
        path: The file.
        columns: Names of all its columns, in order.

    Raises:
        ValueError: Where the file has other columns.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(line for line in stream if not line.startswith("#"))
        if tuple(reader.fieldnames or ()) != tuple(columns):
            raise ValueError(f"{path} has other columns than {', '.join(columns)}")
        yield from reader
