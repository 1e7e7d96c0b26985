"""Make Arrow columns from Python values, equal to those of ``pyarrow.array``.

``pyarrow.array`` imports pandas to check that a list is not a Series, which takes 50 MB and 0.2 s in every job that
writes a table. Simple columns are therefore laid out here in Arrow's columnar format: a validity bitmap, then the
values or, for text, offsets and UTF-8.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any

import numpy as np
import pyarrow as pa

_EPOCH = datetime.fromtimestamp(0, UTC)
_UNITS = {"s": timedelta(seconds=1), "ms": timedelta(milliseconds=1), "us": timedelta(microseconds=1)}
_CODES = {pa.int8(): "b", pa.int32(): "i", pa.int64(): "q", pa.float32(): "f", pa.float64(): "d"}


def column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column of type ``kind``.

    Args:
        values: None is null. Times are datetimes, or integers in the column's unit.
        kind: The type.

    Raises:
        TypeError, OverflowError: For a value that does not have the type.
    """
    if pa.types.is_string(kind):
        return _text(values, kind)
    if pa.types.is_timestamp(kind):
        values = [(value - _EPOCH) // _UNITS[kind.unit] if isinstance(value, datetime) else value for value in values]
    if pa.types.is_fixed_size_list(kind) and all(
        value is not None and len(value) == kind.list_size for value in values
    ):
        return pa.FixedSizeListArray.from_arrays(column([*chain(*values)], kind.value_type), type=kind)
    code = "q" if pa.types.is_timestamp(kind) else _CODES.get(kind)
    if code is None:
        return pa.array(values, kind)
    filled = array(code, [0 if value is None else value for value in values])
    return pa.Array.from_buffers(kind, len(values), [_validity(values), pa.py_buffer(filled)])


def _text(values: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    offsets = array("i", accumulate(map(len, encoded), initial=0))
    buffers = [_validity(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _validity(values: Sequence[object]) -> pa.Buffer | None:
    """Return the validity bitmap; None where no value is null."""
    if None not in values:
        return None
    return pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
