"""Tables appear whole or not at all, under their schema."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest

from affectflow.core import atomic
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


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    with atomic_write(tmp_path / "x") as partial:
        partial.touch()
        host = partial.name.split(".")[2].split("-")[0]
    left = tmp_path / f".y.{host}-{dead.pid}.partial"
    others = tmp_path / f".y.{host}-{os.getppid()}.partial", tmp_path / f".y.000000-{dead.pid}.partial"
    for path in (left, *others):
        path.write_text("half")
    atomic._tidied.clear()  # as in a new process
    with atomic_write(tmp_path / "x") as partial:
        partial.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "x"])


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError("Unable to flush the file (error message = 'No space left on device')"),  # HDF5's
        OSError("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device"),  # pyarrow's
    ],
)
def test_a_full_disk_is_one_sentence(tmp_path: Path, error: OSError) -> None:
    with (
        pytest.raises(UserError, match=r"x.csv cannot be written \((No space|Disk quota).*; free disk space"),
        atomic_write(tmp_path / "x.csv") as partial,
    ):
        partial.write_text("half")
        raise error
    assert not list(tmp_path.iterdir())


def test_other_errors_are_not_taken_for_the_disks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "x.csv"):
        (tmp_path / "nothing").read_text()


def test_a_flipped_bit_of_a_table_is_noticed(tmp_path: Path) -> None:
    """Wherever it is: no value is read that was not written."""
    rows = [{"a": number, "b": f"text {number}"} for number in range(300)]
    write_parquet(tmp_path / "t.parquet", SCHEMA, rows)
    content = (tmp_path / "t.parquet").read_bytes()
    noticed = 0
    for place in range(4, len(content), 7):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        (tmp_path / "d.parquet").write_bytes(damaged)
        try:
            found = read_parquet(tmp_path / "d.parquet", SCHEMA).to_pylist()
        except UserError:
            noticed += 1
        else:
            assert found == rows, place
    assert noticed > 100


@pytest.mark.parametrize("name", ["/dev/null", "pipe", "file/x.csv", "n" * 300, "/proc/x.csv"])
def test_what_no_file_can_be_is_one_sentence(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"is a device or a pipe; give|cannot be written \(.*\); choose another place"):
        write_csv(tmp_path / name, ("a",), [(1,)])
    assert not Path("/dev/null").is_file() and (tmp_path / "file").read_text() == "x"


def test_a_long_name_that_is_possible_is_written(tmp_path: Path) -> None:
    write_csv(tmp_path / ("n" * 251 + ".csv"), ("a",), [(1,)])
    assert len(list(tmp_path.iterdir())) == 1
