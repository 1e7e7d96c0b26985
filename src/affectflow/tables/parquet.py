"""Read and write Parquet files with declared Arrow schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError

if TYPE_CHECKING:  # pyarrow takes 50 MB, which most jobs that read only CSV do without
    import pyarrow as pa
    import pyarrow.parquet as pq

_ROWS_IN_MEMORY = 2_000
_UNTRUSTED_ROWS = 256  # rows in memory of a file that may be made to exhaust it
_LONGEST_TEXT = 65_536


def write_parquet(path: Path | str, schema: pa.Schema, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows with a bounded number of them in memory; the same rows give the same bytes.

    Args:
        path: The file.
        schema: Its schema; missing cells are null.
        rows: Mappings from column to value.

    Returns:
        Number of rows.
    """
    count = 0
    with row_writer(path, schema) as write:
        for row in rows:
            write(row)
            count += 1
    return count


@contextmanager
def row_writer(path: Path | str, schema: pa.Schema) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that takes a row for :func:`write_parquet`, for who gets them one by one.

    Args:
        path: The file.
        schema: Its schema; missing cells are null.
    """
    import pyarrow as pa

    from affectflow.tables.arrow import column

    waiting: list[Mapping[str, Any]] = []

    def write(row: Mapping[str, Any]) -> None:
        waiting.append(row)
        if len(waiting) == _ROWS_IN_MEMORY:
            write_waiting()

    def write_waiting() -> None:
        columns = [column([row.get(field.name) for row in waiting], field.type) for field in schema]
        writer.write_table(pa.Table.from_arrays(columns, schema=schema))
        waiting.clear()

    with atomic_write(path) as partial, parquet_writer(partial, schema) as writer:
        yield write
        if waiting:
            write_waiting()


def parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a writer of a table whose pages have checksums, so that damage is noticed where they are read.

    Args:
        path: The file.
        schema: Its schema.
    """
    import pyarrow.parquet as pq

    return pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True)


def read_parquet(path: Path | str, schema: pa.Schema) -> pa.Table:
    """Read a table; raises :class:`UserError` where it has another schema.

    Args:
        path: The file.
        schema: The schema that it must have.
    """
    import pyarrow as pa

    with _opened(path) as stored:
        _check_schema(path, stored.schema_arrow, schema)
        return pa.Table.from_batches(_batches(path, stored, 1 << 16), schema)


def parquet_rows(
    path: Path | str, schema: pa.Schema, at_once: int = _ROWS_IN_MEMORY, since: tuple[str, str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table.

    Args:
        path: The file.
        schema: The schema that it must have.
        at_once: Number of rows in memory.
        since: Column and text of the first row to yield; rows before it are skipped.

    Raises:
        UserError: Where the file cannot be read or has another schema.
    """
    import pyarrow.compute as pc

    with _opened(path) as stored:
        _check_schema(path, stored.schema_arrow, schema)
        for batch in _batches(path, stored, at_once):
            if since is not None:
                first = pc.index(batch[since[0]], since[1]).as_py()
                if first < 0:
                    continue
                batch, since = batch.slice(first), None
            yield from batch.to_pylist()


def parquet_columns(path: Path | str, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the texts in some columns of an untrusted Parquet file, row by row.

    Args:
        path: The file.
        columns: Names of the columns. The first one must exist; the others are "" where they are missing, as are
            missing cells.

    Raises:
        UserError: Where the first column is missing, or a column occurs twice, is not text, or has a text of more than
            65,536 bytes.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    with _opened(path) as stored:
        schema = stored.schema_arrow
        if columns[0] not in schema.names:
            raise UserError(f"{path} has no column {columns[0]!r}; found {', '.join(map(repr, schema.names))[:200]}.")
        found = [name for name in columns if name in schema.names]
        for name in found:
            if schema.names.count(name) > 1:
                raise UserError(f"{path} has the column {name!r} twice; remove one of them.")
            kind = _plain(schema.field(name).type)
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
                raise UserError(f"{path}: the column {name!r} is not text; store it as strings.")
        for batch in _batches(path, stored, _UNTRUSTED_ROWS, found):
            batch = batch.cast(pa.schema([(field.name, _plain(field.type)) for field in batch.schema]))
            if any((pc.max(pc.binary_length(batch[name])).as_py() or 0) > _LONGEST_TEXT for name in found):
                raise UserError(f"{path} has a text of more than {_LONGEST_TEXT:,} bytes; remove its row.")
            try:
                cells = {name: batch[name].to_pylist() for name in found}
            except UnicodeDecodeError:
                raise UserError(f"{path} has a text that is not UTF-8; write the file again.") from None
            empty = [""] * batch.num_rows
            for row in zip(*(cells.get(name, empty) for name in columns), strict=True):
                yield tuple(cell or "" for cell in row)


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return the type of the values of a dictionary-encoded column (pandas: categorical), or the type itself."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _batches(
    path: Path | str, stored: pq.ParquetFile, rows: int, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    try:
        yield from stored.iter_batches(rows, columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} cannot be read to its end ({_line(error)}); make or fetch it again.") from None


def parquet_length(path: Path | str) -> int:
    """Return the number of rows of a Parquet file."""
    with _opened(path) as stored:
        return int(stored.metadata.num_rows)


def parquet_names(path: Path | str) -> list[str]:
    """Return the names of the columns of a Parquet file."""
    with _opened(path) as stored:
        return list(stored.schema_arrow.names)


def parquet_note(path: Path | str, name: str) -> str:
    """Return the text under a key in a Parquet file's metadata, or "".

    Args:
        path: The file.
        name: The key.
    """
    with _opened(path) as stored:
        return ((stored.schema_arrow.metadata or {}).get(name.encode()) or b"").decode("utf-8", "replace")


def _opened(path: Path | str) -> pq.ParquetFile:
    """Open a Parquet file; raises :class:`UserError` where that fails."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is not a complete Parquet file ({_line(error)}); make or fetch it again.") from None


def _line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or ["unknown"])[0][:200]


def _check_schema(path: Path | str, found: pa.Schema, schema: pa.Schema) -> None:
    if not found.equals(schema):
        raise UserError(f"{path} was not written by this version of affectflow; delete it and run again.")
