"""Tables at the boundaries between stages: each has a declared schema and appears whole or not at all."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from affectflow.errors import UserError


@contextmanager
def whole(path: Path | str) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends without an error.

    Every file has one writer at a time, so the temporary name is fixed, and what a kill left is overwritten.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_csv(path: Path | str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a UTF-8 CSV with a header; returns the number of rows."""
    count = 0
    with whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        write_row = csv_writer(stream)
        write_row(columns)
        for row in rows:
            write_row(row)
            count += 1
    return count


def csv_writer(stream: IO[str]) -> Callable[[Sequence[object]], object]:
    """A function that writes a row of which every cell reads back exactly."""
    minimal = csv.writer(stream, lineterminator="\n")
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write_row(cells: Sequence[object]) -> object:
        # A lone carriage return ends a line for readers, but is not quoted by itself before Python 3.13.
        return (quoted if any("\r" in str(cell) for cell in cells) else minimal).writerow(cells)

    return write_row


def read_csv(path: Path | str, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """Rows of a CSV as mappings; raises :class:`UserError` when a column is missing."""
    with open_text(path) as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise UserError(f"{path} has no column {missing[0]!r}; expected {', '.join(columns)}.")
        yield from reader


@contextmanager
def open_text(path: Path | str) -> Iterator[IO[str]]:
    """A text file as UTF-8, with or without byte order mark; raises :class:`UserError` where it is something else."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            yield stream
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text; save it as UTF-8.") from None


def write_parquet(path: Path | str, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows under a declared schema; the same rows give the same bytes. Returns their number."""
    table = pa.Table.from_pylist(list(rows), schema=schema)
    with whole(path) as partial:
        pq.write_table(table, partial, compression="zstd")
    return int(table.num_rows)


def read_parquet(path: Path | str, schema: pa.Schema) -> pa.Table:
    """Read a table and hold it to its schema; raises :class:`UserError` when it does not fit."""
    table = pq.read_table(path)
    if not table.schema.equals(schema):
        raise UserError(f"{path} was not written by this version of affectflow; delete it and run again.")
    return table
