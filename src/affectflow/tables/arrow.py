"""Python values -> Arrow columns, as ``pyarrow.array`` makes them.

That function imports pandas only to see that a list is none of its Series, which takes 50 MB and a fifth of a second
in every job that writes a table. Plain columns are therefore laid out here, as Arrow's columnar format describes it:
a bit for each value that is known, then the values or, for text, their ends and their UTF-8.
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
    """A column of ``kind``; None is null. Times are datetimes, or integers in the column's unit.

    Raises TypeError or OverflowError for what is no such value.
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
    return pa.Array.from_buffers(kind, len(values), [_known(values), pa.py_buffer(filled)])


def _text(values: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    ends = array("i", accumulate(map(len, encoded), initial=0))
    buffers = [_known(values), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _known(values: Sequence[object]) -> pa.Buffer | None:
    if None not in values:
        return None
    return pa.py_buffer(np.packbits([value is not None for value in values], bitorder="little"))
