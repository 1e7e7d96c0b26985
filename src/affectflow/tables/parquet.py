"""Parquet tables with declared Arrow schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.core.parallel import batched

if TYPE_CHECKING:  # pyarrow takes 50 MB, and most of what reads a CSV does without
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS_IN_MEMORY = 2_000
_STRANGERS_ROWS = 256  # of a file that may be made to fill the memory
_LONGEST_TEXT = 65_536


def write_parquet(path: Path | str, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows under a declared schema, a bounded number of them in memory at once.

    The same rows give the same bytes. Returns their number.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from affectflow.tables.arrow import column

    count = 0
    with atomic_write(path) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for batch in batched(rows, _ROWS_IN_MEMORY):
            columns = [column([row.get(field.name) for row in batch], field.type) for field in schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            count += len(batch)
    return count


def read_parquet(path: Path | str, schema: pa.Schema) -> pa.Table:
    """Read a table and hold it to its schema; raises :class:`UserError` when it does not fit."""
    import pyarrow as pa

    with _opened(path) as stored:
        _hold_to(path, stored.schema_arrow, schema)
        return pa.Table.from_batches(_batches(path, stored, 1 << 16), schema)


def parquet_rows(
    path: Path | str, schema: pa.Schema, at_once: int = _ROWS_IN_MEMORY, since: tuple[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of such a table one by one, ``at_once`` of them in memory.

    ``since`` is a column and the text there of the first row that is wanted, to which it is not far.
    """
    import pyarrow.compute as pc

    with _opened(path) as stored:
        _hold_to(path, stored.schema_arrow, schema)
        for batch in _batches(path, stored, at_once):
            if since is not None:
                first = pc.index(batch[since[0]], since[1]).as_py()
                if first < 0:
                    continue
                batch, since = batch.slice(first), None
            yield from batch.to_pylist()


def parquet_columns(path: Path | str, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The texts in some columns of any Parquet file, row by row; "" where a cell or a column is missing.

    Strangers' files are read with care: raises :class:`UserError` where the first column is missing, or one of them
    is there twice, or holds something else than texts of a sensible length.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    with _opened(path) as stored:
        held = stored.schema_arrow
        if columns[0] not in held.names:
            raise UserError(f"{path} has no column {columns[0]!r}; found {', '.join(map(repr, held.names))[:200]}.")
        found = [name for name in columns if name in held.names]
        for name in found:
            if held.names.count(name) > 1:
                raise UserError(f"{path} has the column {name!r} twice; remove one of them.")
            kind = held.field(name).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise UserError(f"{path}: the column {name!r} holds no text; store it as strings.")
        for batch in _batches(path, stored, _STRANGERS_ROWS, found):
            if any((pc.max(pc.binary_length(batch[name])).as_py() or 0) > _LONGEST_TEXT for name in found):
                raise UserError(f"{path} holds a text of more than {_LONGEST_TEXT:,} bytes; remove its row.")
            try:
                cells = {name: batch[name].to_pylist() for name in found}
            except UnicodeDecodeError:
                raise UserError(f"{path} holds a text that is not UTF-8; have it made again.") from None
            nothing = [""] * batch.num_rows
            for row in zip(*(cells.get(name, nothing) for name in columns), strict=True):
                yield tuple(cell or "" for cell in row)


def _batches(
    path: Path | str, stored: pq.ParquetFile, rows: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    try:
        yield from stored.iter_batches(rows, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read to its end ({_line(error)}); get it again.") from None


def parquet_length(path: Path | str) -> int:
    """The rows of a Parquet file."""
    with _opened(path) as stored:
        return int(stored.metadata.num_rows)


def parquet_note(path: Path | str, name: str) -> str:
    """What a Parquet file's metadata hold under a name, or ""."""
    with _opened(path) as stored:
        return ((stored.schema_arrow.metadata or {}).get(name.encode()) or b"").decode("utf-8", "replace")


def _opened(path: Path | str) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is no whole Parquet file ({_line(error)}); get it again.") from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or ["unknown"])[0][:200]


def _hold_to(path: Path | str, found: pa.Schema, schema: pa.Schema) -> None:
    if not found.equals(schema):
        raise UserError(f"{path} was not written by this version of affectflow; delete it and run again.")
