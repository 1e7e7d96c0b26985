"""Columns are those of pyarrow, without what it imports to make them."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectflow.tables.arrow import column

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = {
    pa.string(): TEXT,
    pa.int8(): st.integers(-128, 127),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.timestamp("ms", tz="UTC"): st.integers(0, 10**12)
    | st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    ),
    pa.list_(pa.int8(), 3): st.lists(st.integers(-128, 127), min_size=3, max_size=3),
    pa.map_(pa.string(), pa.int8()): st.lists(st.tuples(TEXT, st.integers(0, 1)), max_size=2, unique_by=lambda x: x[0]),
}


@given(st.sampled_from(list(VALUES)), st.data())
def test_columns_are_pyarrows(kind: pa.DataType, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=20))
    made = column(values, kind)
    made.validate(full=True)
    assert repr(made.to_pylist()) == repr(pa.array(values, kind).to_pylist())  # NaN is not itself
    assert made.type == kind and made.null_count == values.count(None)


@pytest.mark.parametrize("value", [300, 1.5, "1", [1]])
def test_what_is_no_such_number_is_refused(value: object) -> None:
    with pytest.raises((TypeError, OverflowError)):
        column([value], pa.int8())


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    program = """
import sys, pyarrow as pa
from affectflow.tables.parquet import write_parquet
schema = pa.schema([("a", pa.string()), ("b", pa.list_(pa.int8(), 2)), ("c", pa.timestamp("ms"))])
write_parquet(sys.argv[1], schema, [{"a": "x", "b": [1, 2], "c": 3}, {"b": [0, 1]}])
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path / "x")], check=False).returncode == 0
