"""Tables that other programs wrote: read exactly as they are meant, or refused with their line."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import pytest

from affectflow.core.errors import UserError
from affectflow.tables.cells import is_missing, parse_number
from affectflow.tables.delimited import open_table

KNOWN = ("image", "AU1", "valence")
ROWS = [["a.jpg", "1", "0.5"], ["b.jpg", "0", ""]]


def read(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    with open_table(path, KNOWN.__contains__, "a column image") as table:
        return table.header, [cells for _, cells in table.rows]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_delimiter_are_found_by_content(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    lines = [delimiter.join(row) for row in [list(KNOWN), *ROWS]]
    (tmp_path / "labels.dat").write_bytes((end.join(lines) + end).encode(encoding))
    assert read(tmp_path / "labels.dat") == (KNOWN, ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\nimage;AU1;valence\na.jpg;1;0.5\nb.jpg;0;\n",
        "My labels, exported in 2024\n# AU1 as in FACS\nimage,AU1,valence\na.jpg,1,0.5\nb.jpg,0,\n",
        "\n\nimage,AU1,valence\n\na.jpg,1,0.5\n,,\nb.jpg,0,\n,,,,\n",
        'image, AU1, "valence"\na.jpg,1,0.5\nb.jpg,0,\n',
        '"image","AU1","valence"\n"a.jpg","1","0.5"\n"b.jpg","0",""',
    ],
    ids=["separator line", "title and comment", "blank rows", "blanks behind commas", "quoted"],
)
def test_what_programs_put_around_a_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    assert read(tmp_path / "t.csv") == (KNOWN, ROWS)


def test_a_compressed_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"image,AU1,valence\na.jpg,1,0.5\nb.jpg,0,\n"))
    assert read(tmp_path / "t.csv.gz") == (KNOWN, ROWS)
    (tmp_path / "t.csv.gz").write_bytes((tmp_path / "t.csv.gz").read_bytes()[:-12])
    with pytest.raises(UserError, match=r"t.csv.gz is damaged .*; fetch it again"):
        read(tmp_path / "t.csv.gz")


def test_quotes_and_delimiters_inside_cells(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('image,AU1,valence,notes\n"a,""1"".jpg",1,0.5,"two\nlines"\n')
    assert read(tmp_path / "t.csv")[1] == [['a,"1".jpg', "1", "0.5", "two\nlines"]]
    prose = "seen twice,\nonce, perhaps, or so, and\r\nonce, in the dark"
    (tmp_path / "t.csv").write_bytes(f'image,AU1,valence,notes\na.jpg,1,0.5,"{prose}"\n'.encode())
    assert read(tmp_path / "t.csv")[1] == [["a.jpg", "1", "0.5", prose]]


@pytest.mark.parametrize(
    "text, said",
    [
        ('image,AU1\na.jpg,1\n"b.jpg,0\nc.jpg,1\n', r"line 3, is not CSV .*correct its quotes"),
        ('image,AU1\na.jpg,1\n"b.jpg,0\n"c.jpg,1\nd.jpg,0\n', r"line 3, is not CSV .*correct its quotes"),
        ('image,AU1\n"a.jpg,1\nb.jpg",0\n', r"line 2: the cell image goes over several lines; correct its quotes"),
        ('image,AU1,notes\na.jpg,1,"x\nb.jpg,0,y\nc.jpg,0,z"\nd.jpg,1,\n', r"line 2: the cell notes holds rows"),
        ('image,AU1,notes\na.jpg,1,"x\nb.jpg,0,y"\n', r"line 2: the cell notes holds rows .*correct its quotes"),
        ('image;notes;AU1\na.jpg;"x;1\nb.jpg;y";0\n', r"line 2: the cell notes holds rows"),
        ('image;notes;AU1\r\na.jpg;"x;1\r\nb.jpg;y;0\r\nc.jpg;z";0\r\n', r"line 2: the cell notes holds rows"),
        ("image,AU1\na,b.jpg,1\n", r"line 2, has 3 cells, but the header has 2"),
        ("image,AU1\na.jpg,1\nb.jpg\n", r"line 3, has 1 cells, but the header has 2"),
        ("image\tAU1\na.jpg\t1\t0\n", r"line 2, has 3 cells, but the header has 2"),
        ("image,AU1,image\na.jpg,1,b.jpg\n", r"has the column 'image' twice"),
        ("file,label\na.jpg,1\n", r"begins with 'file,label'; expected a header with a column image"),
        ("", r"is empty; expected a header"),
        (b"image,AU1\na.jpg,1\n\xe9.jpg,0\n", r"line 3, is not UTF-8 text"),
    ],
)
def test_what_would_shift_or_swallow_rows_is_named(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=said):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "cell",
    [
        *("", " ", "NaN", "nan", "NA", "N/A", "#N/A", "n/a", "<NA>", "None", "null", "-nan", "nan(ind)", "-nan(ind)"),
        *("-nan(snan)", "1.#QNAN", "-1.#IND", "-", "--"),
    ],
)
def test_ways_to_write_that_a_value_is_missing(cell: str) -> None:
    assert is_missing(cell) and math.isnan(parse_number(cell))


@pytest.mark.parametrize(
    "cell, delimiter, value",
    [
        ("0.5", ",", 0.5),
        (" -1 ", ",", -1),
        ("1e-3", ",", 0.001),
        ("0,5", ";", 0.5),
        ("-,5", "\t", -0.5),
        ("1.0", ";", 1),
    ],
)
def test_numbers(cell: str, delimiter: str, value: float) -> None:
    assert not is_missing(cell)
    assert parse_number(cell, delimiter) == value


@pytest.mark.parametrize("cell, delimiter", [("0,5", ","), ("1.000,5", ";"), ("inf", ","), ("1_0", ","), ("x", ",")])
def test_what_is_not_a_number(cell: str, delimiter: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_number(cell, delimiter)
