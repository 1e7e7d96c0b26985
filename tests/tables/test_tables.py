"""Tables appear whole or not at all, under their schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.tables.csv_files import read_csv, write_csv
from affectflow.tables.parquet import read_parquet, write_parquet

SCHEMA = pa.schema([("a", pa.int32()), ("b", pa.string())])


@pytest.mark.parametrize("before", [None, b"old"])
def test_an_error_leaves_what_was_there(tmp_path: Path, before: bytes | None) -> None:
    path = tmp_path / "folder/table.csv"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    with pytest.raises(KeyboardInterrupt), atomic_write(path) as partial:
        partial.write_text("half")
        assert (path.read_bytes() if path.exists() else None) == before
        raise KeyboardInterrupt
    assert [p.name for p in path.parent.iterdir()] == ([] if before is None else ["table.csv"])
    assert before is None or path.read_bytes() == before


def test_a_failing_row_leaves_no_table(tmp_path: Path) -> None:
    def rows() -> object:
        yield [1, 2]
        raise ValueError

    with pytest.raises(ValueError):
        write_csv(tmp_path / "t.csv", ["a", "b"], rows())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        write_parquet(tmp_path / "t.parquet", SCHEMA, [{name: "x" for name in SCHEMA.names}])
    assert not list(tmp_path.iterdir())


def test_without_an_error_only_the_table_is_there(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "x") as partial:
        assert partial.parent == tmp_path
        partial.write_text("new")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("x", "new")]


@pytest.mark.parametrize(
    "text",
    [
        "a,b",
        'quo"te',
        "line\nbreak",
        "crlf\r\nbreak",
        "\ufeffmark",
        " blanks ",
        "'",
        "",
        "\u2028",
        "carriage\rreturn",
    ],
)
def test_cells_come_back_exact(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    assert write_csv(path, ["x", "y"], [[text, "next"], ["last", text]]) == 2
    assert list(read_csv(path, ["x", "y"])) == [{"x": text, "y": "next"}, {"x": "last", "y": text}]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(path, ["x"], [])
    with pytest.raises(UserError, match=r"t\.csv.*'y'"):
        list(read_csv(path, ["x", "y"]))


def test_parquet_keeps_its_schema_and_its_bytes(tmp_path: Path) -> None:
    path, other = tmp_path / "t.parquet", tmp_path / "o.parquet"
    rows: list[dict[str, object]] = [{"a": 1, "b": "x"}, {"a": None, "b": "ü,\n"}]
    assert write_parquet(path, SCHEMA, rows) == write_parquet(other, SCHEMA, rows) == 2
    assert path.read_bytes() == other.read_bytes()
    assert read_parquet(path, SCHEMA).to_pylist() == rows
    with pytest.raises(UserError, match=r"t\.parquet"):
        read_parquet(path, pa.schema([("a", pa.int64()), ("b", pa.string())]))
