"""Every row of every sheet ends in labels.csv or rejects.csv, exactly as written."""

from __future__ import annotations

import csv
import json
import random
import resource
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectflow.core.errors import UserError
from affectflow.facs.units import UNITS as UNITS_OF_FACS
from affectflow.spreadsheet.ingest import ingest
from affectflow.spreadsheet.rates import KNOWN_PERCENT
from affectflow.tables import xlsx
from affectflow.tables.csv_files import read_csv
from affectflow.tables.files import table_files

Cells = Sequence[object]
LABELS = [0, 1, 999] * 20
UNITS = [f"AU{unit}" for unit in range(1, 61)]
URL, ORIG = "http://a.example/1.jpg", "http://b.example/1.jpg"
PLAIN_HEADER = {61: ["URL", *(f"AU {u}" for u in range(1, 61))]}
PLAIN_HEADER[62] = ["URL", "URL orig", *PLAIN_HEADER[61][1:]]
QUIRKY_HEADER = {n: [f" '{cell}'" for cell in header] for n, header in PLAIN_HEADER.items()}


def labels_with(unit: int, value: object) -> list[object]:
    return [value if u == unit else 0 for u in range(1, 61)]


class Ingested(NamedTuple):
    labels: list[dict[str, str]]
    rejects: list[dict[str, str]]


Ingest = Callable[..., Ingested]


@pytest.fixture
def run(tmp_path: Path, rows_of: Callable[[Path], list[dict[str, str]]]) -> Ingest:
    def go(*tables: Path) -> Ingested:
        labels, rejects = tmp_path / "out/labels.csv", tmp_path / "out/rejects.csv"
        ingest(tables, labels, rejects)
        return Ingested(rows_of(labels), rows_of(rejects))

    return go


def save(path: Path, sheets: dict[str, list[Cells]] | list[Cells]) -> Path:
    """A table in the form that its suffix says."""
    sheets = {"Sheet1": sheets} if isinstance(sheets, list) else sheets
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(list(row))
        book.save(path)
        return path
    (rows,) = sheets.values()
    with path.open("w", newline="", encoding="utf-8") as stream:
        if path.suffix == ".csv":
            csv.writer(stream).writerows(rows)
        else:
            stream.writelines("\t".join(map(str, row)) + "\n" for row in rows)
    return path


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".txt"])
@pytest.mark.parametrize("header", [None, PLAIN_HEADER, QUIRKY_HEADER], ids=["none", "plain", "quirky"])
@pytest.mark.parametrize("columns", [61, 62])
def test_layouts(run: Ingest, tmp_path: Path, suffix: str, header: Any, columns: int) -> None:
    urls = [URL, ORIG][: columns - 60]
    rows = [header[columns]] if header else []
    labels, rejects = run(save(tmp_path / f"t{suffix}", [*rows, [*urls, *LABELS]]))
    assert not rejects
    (row,) = labels
    assert (row["url"], row["url_orig"]) == (URL, ORIG if columns == 62 else "")
    assert [row[unit] for unit in UNITS] == list(map(str, LABELS))
    assert row["row"] == str(len(rows) + 1)


def test_columns_in_another_order_or_missing(run: Ingest, tmp_path: Path) -> None:
    header = ["URL", "'AU 12'", "URL orig", "AU01"]
    (row,), rejects = run(save(tmp_path / "t.xlsx", [header, [URL, 1, ORIG, 0]]))
    assert not rejects
    assert (row["url"], row["url_orig"], row["AU12"], row["AU1"], row["AU2"]) == (URL, ORIG, "1", "0", "999")


def test_every_row_of_every_sheet_lands_in_one_of_the_two_files(run: Ingest, tmp_path: Path) -> None:
    good, bad, empty = [URL, *LABELS], [URL, *labels_with(7, 5)], [None] * 61
    sheets: dict[str, list[Cells]] = {
        "first": [empty, PLAIN_HEADER[61], good, empty, bad, good],
        "second, sheet": [good, bad, ["", *LABELS], good],
        "blank": [],
    }
    table = save(tmp_path / "t.xlsx", sheets)
    labels, rejects = run(table)
    assert [(r["sheet"], r["row"]) for r in labels] == [
        ("first", "3"),
        ("first", "6"),
        ("second, sheet", "1"),
        ("second, sheet", "4"),
    ]
    assert [(r["sheet"], r["row"]) for r in rejects] == [
        ("first", "1"),
        ("first", "4"),
        ("first", "5"),
        ("second, sheet", "2"),
        ("second, sheet", "3"),
    ]
    assert all(r["table"] == "t.xlsx" and r["reason"] for r in rejects)
    assert "empty" in rejects[0]["reason"] and "AU 7" in rejects[2]["reason"]
    assert json.loads(rejects[2]["cells"])[0] == URL


def test_several_tables_are_all_read(run: Ingest, tmp_path: Path) -> None:
    tables = [save(tmp_path / name, [[URL, *LABELS]]) for name in ("a.xlsx", "b.csv", "c.txt")]
    assert [row["table"] for row in run(*tables).labels] == ["a.xlsx", "b.csv", "c.txt"]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/1,2,,3.jpg",
        'http://a.example/"1".jpg',
        "http://a.example/it's.jpg",
        "http://a.example/ends-in'",
        "http://a.example/a b  c.jpg ",
        " http://a.example/leading.jpg",
        "HTTPS://A.example/Ünï/日本.jpg?x=%2C&y=,'\"#f",
        "http://a.example/line\nbreak.jpg",
        "http://a.example/tab\tstop.jpg",
        "http://a.example/" + 10_000 * "x",
    ],
)
def test_urls_are_kept_exact(run: Ingest, tmp_path: Path, suffix: str, url: str) -> None:
    labels, rejects = run(save(tmp_path / f"t{suffix}", [[u, *LABELS] for u in (URL, url, ORIG)]))
    assert not rejects
    assert [row["url"] for row in labels] == [URL, url, ORIG]


def test_urls_with_a_carriage_return_are_kept_exact(run: Ingest, tmp_path: Path) -> None:
    url = "http://a.example/carriage\rreturn.jpg"  # only a text file can hold one: XML knows no lone ones
    assert [row["url"] for row in run(save(tmp_path / "t.csv", [[url, *LABELS]])).labels] == [url]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=4))
def test_any_url_survives(tails: list[str]) -> None:
    urls = [f"http://x{tail}x" for tail in tails]
    with tempfile.TemporaryDirectory() as folder:
        table, labels = save(Path(folder, "t.csv"), [[url, *LABELS] for url in urls]), Path(folder, "labels.csv")
        ingest([table], labels, Path(folder, "rejects.csv"))
        assert [row["url"] for row in read_csv(labels, ["url"])] == urls


@pytest.mark.parametrize("header", [True, False])
def test_literal_quotes_around_urls_of_a_quoted_sheet(run: Ingest, tmp_path: Path, header: bool) -> None:
    rows: list[Cells] = [[f"{URL}?{i}'", f"'{ORIG}?{i}'", *LABELS] for i in range(3)]
    labels, _ = run(save(tmp_path / "t.xlsx", [QUIRKY_HEADER[62], *rows] if header else rows))
    assert [(r["url"], r["url_orig"]) for r in labels] == [(f"{URL}?{i}", f"{ORIG}?{i}") for i in range(3)]


@pytest.mark.parametrize("value, kept", [(0, "0"), (1, "1"), (999, "999"), (1.0, "1"), ("999", "999"), ("'1'", "1")])
def test_values_kept(run: Ingest, tmp_path: Path, value: object, kept: str) -> None:
    (row,), _ = run(save(tmp_path / "t.xlsx", [[URL, *labels_with(12, value)]]))
    assert row["AU12"] == kept


@pytest.mark.parametrize("value", [2, -1, 0.5, 99, "", " ", "x", "01", "9 99", "1e0", None, True, "#N/A", float("inf")])
def test_bad_values_are_rejected(run: Ingest, tmp_path: Path, value: object) -> None:
    labels, (reject,) = run(save(tmp_path / "t.csv", [[URL, *LABELS], [ORIG, *labels_with(12, value)]]))
    assert [row["url"] for row in labels] == [URL]
    assert reject["row"] == "2" and "AU 12" in reject["reason"]


@pytest.mark.parametrize("url", ["", None, "n/a", "ftp://a.example/1.jpg", "a.example/1.jpg", "http://", 17])
def test_rows_without_a_url_are_rejected(run: Ingest, tmp_path: Path, url: object) -> None:
    labels, (reject,) = run(save(tmp_path / "t.xlsx", [[URL, *LABELS], [url, *LABELS]]))
    assert len(labels) == 1 and "URL" in reject["reason"]


def test_second_url_serves_where_the_first_is_none(run: Ingest, tmp_path: Path) -> None:
    (row,), _ = run(save(tmp_path / "t.txt", [["", ORIG, *LABELS]]))
    assert (row["url"], row["url_orig"]) == (ORIG, "")


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("columns", [61, 62])
@pytest.mark.parametrize(
    "odd",
    [["http://a.example/short.jpg", 1, 0], [*([""] * 59), 1], ["http://a.example/x.jpg", *[5] * 70]],
    ids=["short", "urlless", "long"],
)
def test_rows_of_another_width_spoil_nothing_else(
    run: Ingest, tmp_path: Path, columns: int, header: bool, odd: Cells
) -> None:
    urls = [URL, ORIG][: columns - 60]
    rows: list[Cells] = [[*urls, *LABELS], odd, [*urls, *LABELS]]
    labels, (reject,) = run(save(tmp_path / "t.csv", [PLAIN_HEADER[columns], *rows] if header else rows))
    assert [(r["url"], r["url_orig"]) for r in labels] == [(URL, ORIG if columns == 62 else "")] * 2
    assert reject["row"] == str(2 + header) and reject["reason"]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".txt"])
@pytest.mark.parametrize("header", [True, False])
def test_a_blank_last_label_spoils_only_its_own_row(run: Ingest, tmp_path: Path, suffix: str, header: bool) -> None:
    rows: list[Cells] = [[URL, ORIG, *LABELS], [URL, ORIG, *LABELS[:-1], ""], [URL, ORIG, *LABELS]]
    labels, (reject,) = run(save(tmp_path / f"t{suffix}", [PLAIN_HEADER[62], *rows] if header else rows))
    assert [(r["url"], r["url_orig"]) for r in labels] == [(URL, ORIG)] * 2
    assert "AU 60" in reject["reason"] or "columns" in reject["reason"]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("urls", [["http://a.example/1,2.jpg"], ["http://a.example/1,2.jpg", "http://b.example/,.jpg"]])
def test_unquoted_commas_in_csv_urls(run: Ingest, tmp_path: Path, urls: list[str], header: bool) -> None:
    plain = ["http://a.example/3.jpg", "http://b.example/3.jpg"][: len(urls)]
    lines = [",".join(map(str, [*u, *LABELS])) for u in (plain, urls, plain)]
    if header:
        lines.insert(0, ",".join(PLAIN_HEADER[60 + len(urls)]))
    (tmp_path / "t.csv").write_text("\n".join(lines))
    labels, rejects = run(tmp_path / "t.csv")
    assert not rejects
    assert [[r["url"], r["url_orig"]][: len(urls)] for r in labels] == [plain, urls, plain]


def test_unquoted_commas_beside_a_short_row(run: Ingest, tmp_path: Path) -> None:
    rows: list[Cells] = [[URL, *LABELS], ["http://a.example/1", "2.jpg", *LABELS], ["http://a.example/short", 0]]
    (tmp_path / "t.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    labels, rejects = run(tmp_path / "t.csv")
    assert [row["url"] for row in labels] == [URL, "http://a.example/1,2.jpg"]
    assert [row["row"] for row in rejects] == ["3"]


def test_most_urls_with_unquoted_commas(run: Ingest, tmp_path: Path) -> None:
    urls = ["http://a.example/1,a.jpg", "http://a.example/2,b.jpg", "http://a.example/3.jpg"]
    (tmp_path / "t.csv").write_text("".join(",".join(map(str, [url, *LABELS])) + "\n" for url in urls))
    labels, _ = run(tmp_path / "t.csv")
    assert [(row["url"], row["url_orig"]) for row in labels] == [(url, "") for url in urls]


@pytest.mark.parametrize("header", [None, PLAIN_HEADER])
@pytest.mark.parametrize("columns", [61, 62])
def test_a_surplus_label_is_never_glued_to_a_url(
    run: Ingest, tmp_path: Path, header: dict[int, list[str]] | None, columns: int
) -> None:
    urls = [URL] if columns == 61 else [URL, ORIG]
    lines = [",".join(map(str, [*urls, *LABELS, 0]))] * 5
    if header:
        lines.insert(0, ",".join(header[columns]))
    (tmp_path / "t.csv").write_text("\n".join([*lines, ",".join(map(str, [*urls, *LABELS]))]) + "\n")
    labels, rejects = run(tmp_path / "t.csv")
    assert len(labels) == 1 and len(rejects) == 5
    assert all("cannot be told" in row["reason"] for row in rejects)


def test_two_urls_are_never_joined_into_one(run: Ingest, tmp_path: Path) -> None:
    rows: list[Cells] = [[URL, ORIG, *LABELS], [URL, ORIG, *LABELS[:-1], ""]]
    labels, _ = run(save(tmp_path / "t.csv", rows))
    assert [(row["url"], row["url_orig"]) for row in labels] == [(URL, ORIG)]


@pytest.mark.parametrize("suffix", [".xlsx", ".txt"])
@pytest.mark.parametrize("header", [True, False])
def test_a_stray_cell_behind_the_labels_shifts_nothing(run: Ingest, tmp_path: Path, suffix: str, header: bool) -> None:
    rows: list[Cells] = [[URL, *LABELS], [URL, *LABELS, 1], [URL, *LABELS]]
    labels, rejects = run(save(tmp_path / f"t{suffix}", [PLAIN_HEADER[61], *rows] if header else rows))
    assert {row["url"] for row in labels} == {URL}
    assert [row["row"] for row in rejects] == [str(2 + header)]


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_byte_order_mark_and_line_ends(run: Ingest, tmp_path: Path, suffix: str) -> None:
    mark = "," if suffix == ".csv" else "\t"
    lines = [mark.join(map(str, [f"{URL}?{i}", *LABELS])) for i in range(2)]
    (tmp_path / f"t{suffix}").write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    assert [row["url"] for row in run(tmp_path / f"t{suffix}").labels] == [f"{URL}?0", f"{URL}?1"]


def test_quotes_in_tab_separated_lists_are_text(run: Ingest, tmp_path: Path) -> None:
    urls = ['"http://quoted.example/1.jpg', "http://a.example/2.jpg", 'http://a.example/"3".jpg']
    labels, rejects = run(save(tmp_path / "t.txt", [[url, ORIG, *LABELS] for url in urls]))
    assert len(labels) + len(rejects) == 3
    assert labels[-1]["url"] == urls[2]


@pytest.mark.parametrize("later", ['"http://a.example/9.jpg"', "http://a.example/9.jpg"])
def test_a_stray_quote_swallows_no_rows(run: Ingest, tmp_path: Path, later: str) -> None:
    """Up to the next one, or to the end."""
    labels = ",0" * 60
    urls = ["http://a.example/1.jpg", '"http://a.example/2.jpg', "http://a.example/3.jpg", later]
    (tmp_path / "stray.csv").write_text("".join(f"{url}{labels}\n" for url in urls))
    with pytest.raises(UserError, match=r"stray\.csv, line 2, is not CSV .*; correct its quotes"):
        run(tmp_path / "stray.csv")


def damaged_zip(path: Path) -> None:
    path.write_bytes(save(path, [[URL, *LABELS]]).read_bytes()[:2000])


def damaged_sheet(path: Path) -> None:
    save(path, [[URL, *LABELS]])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["xl/worksheets/sheet1.xml"] = members["xl/worksheets/sheet1.xml"][:900]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "name, make",
    [
        ("missing.xlsx", lambda path: None),
        ("folder.xlsx", Path.mkdir),
        ("text.xlsx", lambda path: path.write_text("no workbook")),
        ("empty.xlsx", Path.touch),
        ("damaged.xlsx", damaged_zip),
        ("sheet.xlsx", damaged_sheet),
        ("binary.xls", lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(999))),
        ("table.pdf", lambda path: path.write_text("x")),
        ("empty.csv", Path.touch),
        ("latin.csv", lambda path: path.write_bytes(b"http://a.example/\xe9.jpg" + b",0" * 60)),
        ("columns.csv", lambda path: save(path, [[URL, *LABELS[:30]]] * 3)),
        ("columns.xlsx", lambda path: save(path, [[URL, ORIG, ORIG, *LABELS]] * 3)),
        ("header.xlsx", lambda path: save(path, [PLAIN_HEADER[62]])),
        ("twice.xlsx", lambda path: save(path, [[*PLAIN_HEADER[61], "AU 01"], [URL, *LABELS, 0]])),
        ("rejects.csv", lambda path: save(path, [[URL, *labels_with(1, 7)]])),
    ],
)
def test_unusable_tables_are_named(run: Ingest, tmp_path: Path, name: str, make: Callable[[Path], object]) -> None:
    make(tmp_path / name)
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        run(tmp_path / name)
    assert not list((tmp_path / "out").glob("*"))


@pytest.fixture
def cell_by_cell(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have sheets read from their XML that are usually read as a whole."""
    return lambda: monkeypatch.setattr(xlsx.OfficeXml, "what_calamine_lacks", lambda self, sheet: "this is a test")


def test_both_readers_agree(
    run: Ingest, tmp_path: Path, cell_by_cell: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    sheets: dict[str, list[Cells]] = {
        "quoted": [[None] * 62, QUIRKY_HEADER[62], [f"{URL}'", f"'{ORIG}'", *LABELS], [], [f"{URL}2'", None, *LABELS]],
        "odd": [
            [URL, *LABELS],
            *([URL, *labels_with(1, value)] for value in (True, 0.5, "1", 1.0, None, "_x0041_", "_x005F_x0041_")),
            [None] * 61,
            [" http://a.example/ ,'\"", *LABELS],
            ["http://a.example/_x005F_x0041_.jpg", *LABELS],
        ],
    }
    table = save(tmp_path / "t.xlsx", sheets)
    caplog.set_level("INFO")
    as_a_whole = run(table)
    assert "read as a whole" in caplog.text
    caplog.clear()
    cell_by_cell()
    by_cells = run(table)
    assert "read cell by cell, since this is a test" in caplog.text
    assert by_cells.labels == as_a_whole.labels
    assert by_cells.labels[-1]["url"] == "http://a.example/_x0041_.jpg"  # unescaped once
    keys = ("sheet", "row", "reason")
    assert [[r[k] for k in keys] for r in by_cells.rejects] == [[r[k] for k in keys] for r in as_a_whole.rejects]


@pytest.mark.parametrize("damage", [damaged_zip, damaged_sheet])
def test_a_damaged_table_is_named_by_both_readers(
    run: Ingest, tmp_path: Path, cell_by_cell: Callable[[], None], damage: Callable[[Path], None]
) -> None:
    damage(tmp_path / "t.xlsx")
    cell_by_cell()
    with pytest.raises(UserError, match=r"t\.xlsx cannot be read as a workbook .*; save it again"):
        run(tmp_path / "t.xlsx")


SHUFFLED = [f"AU {unit}" for unit in random.Random(1).sample(range(1, 61), 60)]
ONLY_12 = [int(name == "AU 12") for name in SHUFFLED]


def top(name: str) -> tuple[list[Cells], Cells]:
    """Rows above the labels and the header's own, as they are found in copies of the tables."""
    header = ["URL", *SHUFFLED]
    upper = ["URL", "Upper face", *[""] * 29, "Lower face", *[""] * 29]
    return {
        "title": ([["EmotioNet labels, exported 2024-01-05"]], header),
        "title, blank row, comment": ([["EmotioNet"], [], ["# 999: not annotated", "by hand"]], header),
        "two header rows": ([upper], ["", *SHUFFLED]),
        "numbers": ([["EmotioNet"]], ["image", *(name.removeprefix("AU ") for name in SHUFFLED)]),
        "with FACS's names": ([["EmotioNet"]], ["URL", *map(with_name, SHUFFLED)]),
    }[name]


def with_name(header: str) -> str:
    unit = UNITS_OF_FACS[int(header.removeprefix("AU "))]
    return f"{header} ({unit.name})" if unit.name else header


@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".txt"])
@pytest.mark.parametrize(
    "above", ["title", "title, blank row, comment", "two header rows", "numbers", "with FACS's names"]
)
def test_the_header_is_found_below_titles(run: Ingest, tmp_path: Path, suffix: str, above: str) -> None:
    before, header = top(above)
    labels, rejects = run(save(tmp_path / f"t{suffix}", [*before, header, [URL, *ONLY_12], [ORIG, *ONLY_12]]))
    assert [row["url"] for row in labels] == [URL, ORIG]
    assert all([unit for unit in UNITS if row[unit] == "1"] == ["AU12"] for row in labels)
    assert {row["reason"] for row in rejects} <= {"it is above the header", "the row is empty"}
    assert len(rejects) == len(before)


@pytest.mark.parametrize(
    "rows, said",
    [
        ([["URL", *(f"unit {i}" for i in range(60))], [URL, *LABELS]], "row 1 looks like a header, but names no AU"),
        ([[URL, *LABELS], ["URL", *SHUFFLED], [ORIG, *ONLY_12]], "names the AUs in row 2, below rows with URLs"),
        ([*[[URL, *LABELS]] * 300, ["URL", *SHUFFLED], [ORIG, *ONLY_12]], "row 301 names the AUs in other columns"),
        (
            [PLAIN_HEADER[61], *[[URL, *LABELS]] * 300, ["URL", *SHUFFLED], [ORIG, *ONLY_12]],
            "row 302 names the AUs in other columns than above",
        ),
        ([["notes", *PLAIN_HEADER[61][1:]], ["seen", *LABELS]], "has no column of URLs beside the AUs"),
        ([["URL", "Link", "Image URL", "AU 1"], [URL, ORIG, ORIG, 1]], "has several columns of URLs"),
        ([["URL", "AU 1", "AU 2", "URL", "AU 6"], [URL, 1, 0, ORIG, 1]], "has the column 'URL' again"),
        ([["Thumbnail", "Photo", "AU 1", "AU 2"], [URL, ORIG, 1, 0]], "several columns of URLs .'Thumbnail', 'Photo'"),
        (
            [["URL", "AU 1", "", "AU 12", ""], ["", "L", "R", "L", "R"], [URL, 1, 0, 1, 1]],
            "column without a name behind",
        ),
        ([["URL", "AU 1", "AU 2"], [URL, 1, 0], ["URL", "AU 2", "AU 1"], [ORIG, 1, 0]], "row 3 names the AUs in other"),
    ],
)
def test_labels_whose_column_is_not_sure_are_refused(run: Ingest, tmp_path: Path, rows: list[Cells], said: str) -> None:
    with pytest.raises(UserError, match=said):
        run(save(tmp_path / "t.csv", rows))


def test_a_header_that_is_repeated_is_a_reject(run: Ingest, tmp_path: Path) -> None:
    part = [["URL", *SHUFFLED], [URL, *ONLY_12]]
    labels, (reject,) = run(save(tmp_path / "t.xlsx", part * 2))
    assert len(labels) == 2 and reject["reason"] == "it is the header again"


@pytest.mark.parametrize("name", ["AU 0", "AU 61", "expression", "notes", "AU L12", "AU R12", "AU 12 left", ""])
@pytest.mark.parametrize("place", [1, 30, 61])
def test_other_columns_are_neither_urls_nor_aus(
    run: Ingest, tmp_path: Path, name: str, place: int, caplog: pytest.LogCaptureFixture
) -> None:
    header, cells = [*PLAIN_HEADER[61]], [URL, *labels_with(12, 1)]
    header.insert(place, name)
    cells.insert(place, "http://c.example/" if name == "notes" else 1)
    if place == 61 and not name:
        return  # a stray cell behind the labels, see above
    (row,), _ = run(save(tmp_path / "t.xlsx", [header, cells]))
    assert (row["url"], row["url_orig"]) == (URL, "")
    assert [unit for unit in UNITS if row[unit] == "1"] == ["AU12"]
    assert not name or f"columns that are not used: {name}" in caplog.text


def test_one_far_cell_costs_neither_memory_nor_rejects(run: Ingest, tmp_path: Path) -> None:
    table = save(tmp_path / "t.xlsx", [[URL, *LABELS]] * 3)
    book = openpyxl.load_workbook(table)
    book.active["XFD1048576"] = " "
    book.save(table)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    labels, (reject,) = run(table)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB
    assert len(labels) == 3 and (reject["row"], reject["reason"]) == ("4", "1048573 rows are empty")


def test_a_formatted_column_is_not_a_million_rejects(run: Ingest, tmp_path: Path) -> None:
    table = save(tmp_path / "t.xlsx", [[URL, *LABELS]])
    rewrite_sheet(
        table,
        b"</sheetData>",
        b"".join(b'<row r="%d"><c r="A%d" s="1"/></row>' % (i, i) for i in range(2, 40_000)) + b"</sheetData>",
    )
    labels, rejects = run(table)
    assert len(labels) == 1 and not rejects


def rewrite_sheet(table: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(table) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    assert old in members[sheet]
    members[sheet] = members[sheet].replace(old, new)
    with zipfile.ZipFile(table, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("dimension", [b"A1", b"A1:A1", b"A1:XFD1048576", b"B7:B8"])
def test_the_dimension_that_a_sheet_states_is_not_believed(run: Ingest, tmp_path: Path, dimension: bytes) -> None:
    table = save(tmp_path / "t.xlsx", [[URL, *LABELS]] * 3)
    rewrite_sheet(table, b'<dimension ref="A1:BI3"', b'<dimension ref="%b"' % dimension)
    assert len(run(table).labels) == 3


def test_a_sheet_without_urls_is_named(run: Ingest, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sheets: dict[str, list[Cells]] = {"ReadMe": [["Please cite us"], ["AU 12 is a smile"]], "data": [[URL, *LABELS]]}
    labels, rejects = run(save(tmp_path / "t.xlsx", sheets))
    assert len(labels) == 1
    assert [(row["sheet"], row["reason"]) for row in rejects] == [("ReadMe", "its sheet has no URL")] * 2
    assert "sheet ReadMe, has no URL and is not used" in caplog.text


@pytest.mark.parametrize("kind", ["link", "formula", "formula with a value", "formula of another cell"])
def test_urls_behind_other_texts(run: Ingest, tmp_path: Path, kind: str) -> None:
    table = tmp_path / "t.xlsx"
    save(table, [[URL if kind == "link" else "PLACE", *LABELS], [ORIG, *LABELS]])
    book = openpyxl.load_workbook(table)
    cell = book.active["A1"]
    if kind == "link":
        cell.hyperlink = URL
        cell.value = "image 1"
    else:
        cell.value = f'=HYPERLINK("{URL}","image 1")' if kind != "formula of another cell" else "=B7"
    book.save(table)
    if kind == "formula with a value":
        rewrite_sheet(table, b"</f><v />", b"</f><v>image 1</v>")
    labels, rejects = run(table)
    if kind == "formula of another cell":
        assert [row["url"] for row in labels] == [ORIG]
        assert rejects[0]["reason"].startswith("the cell of the URL is a formula without a stored value")
    else:
        assert [row["url"] for row in labels] == [URL, ORIG] and not rejects


@pytest.mark.parametrize("stored", ["", URL])
def test_a_link_that_a_formula_puts_together(run: Ingest, tmp_path: Path, stored: str) -> None:
    table = save(tmp_path / "t.xlsx", [["PLACE", *LABELS], [ORIG, *LABELS]])
    book = openpyxl.load_workbook(table)
    book.active["A1"].value = '=HYPERLINK("http://h/img"&ROW()&".jpg")'
    book.save(table)
    if stored:
        rewrite_sheet(table, b'<c r="A1"', b'<c r="A1" t="str"')
        rewrite_sheet(table, b"</f><v />", b"</f><v>%b</v>" % stored.replace("&", "&amp;").encode())
    labels, rejects = run(table)
    assert [row["url"] for row in labels] == ([stored] if stored else []) + [ORIG]
    assert stored or rejects[0]["reason"].startswith("the cell of the URL is a formula")


def test_sheets_that_are_charts_are_passed_over(run: Ingest, tmp_path: Path) -> None:
    save(tmp_path / "t.xlsx", [[URL, *LABELS]])
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    book.create_chartsheet("chart")
    book.save(tmp_path / "t.xlsx")
    assert len(run(tmp_path / "t.xlsx").labels) == 1


def test_same_bytes_twice(run: Ingest, tmp_path: Path) -> None:
    table = save(tmp_path / "t.xlsx", [[URL, *LABELS], [URL, 0]])
    run(table)
    before = [(tmp_path / "out" / name).read_bytes() for name in ("labels.csv", "rejects.csv")]
    run(table)
    assert [(tmp_path / "out" / name).read_bytes() for name in ("labels.csv", "rejects.csv")] == before


def test_a_sheet_too_large_for_the_memory_is_read_cell_by_cell(
    run: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = save(tmp_path / "t.xlsx", [[URL, *LABELS]] * 50)
    monkeypatch.setattr(xlsx, "_SMALL", 10_000)
    monkeypatch.setattr(xlsx, "_available_bytes", lambda: 100_000)
    caplog.set_level("INFO")
    assert len(run(table).labels) == 50
    assert "memory is short" in caplog.text


def challenge_rows(count: int, shift: int) -> list[Cells]:
    """Labels as often positive as in the manual set, moved some columns to the right (not annotated otherwise)."""
    rows: list[Cells] = []
    for i in range(count):
        labels = [999] * 60
        for unit, percent in KNOWN_PERCENT.items():
            if 1 <= unit + shift <= 60:
                labels[unit + shift - 1] = int((i * 37 + unit) % count < count * percent / 100)
        rows.append([f"{URL}?{i}", *labels])
    return rows


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("shift, side", [(1, "1 column too far to the right"), (-2, "2 columns too far to the left")])
def test_shifted_labels_are_caught_and_named(run: Ingest, tmp_path: Path, header: bool, shift: int, side: str) -> None:
    rows = challenge_rows(400, shift)
    with pytest.raises(UserError, match=f"t.csv: the labels are {side}"):
        run(save(tmp_path / "t.csv", [PLAIN_HEADER[61], *rows] if header else rows))


def test_labels_in_their_place_or_of_another_kind_are_taken_as_they_are(run: Ingest, tmp_path: Path) -> None:
    assert len(run(save(tmp_path / "known.csv", challenge_rows(400, 0))).labels) == 400
    rare = [[f"{URL}?{i}", *(int((i * 37 + u) % 400 < 8) for u in range(60))] for i in range(400)]
    assert len(run(save(tmp_path / "rare.csv", rare)).labels) == 400
    assert len(run(save(tmp_path / "few.csv", challenge_rows(60, 1))).labels) == 60


def test_a_folder_stands_for_its_tables(tmp_path: Path) -> None:
    for name in ("b/dataFile_0002.txt", "b/dataFile_0001.txt", "a.csv", ".hidden.csv", "~$a.xlsx", "readme.md"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).touch()
    found = [path.relative_to(tmp_path / "set").as_posix() for path in table_files(tmp_path / "set")]
    assert found == ["a.csv", "b/dataFile_0001.txt", "b/dataFile_0002.txt"]
    assert table_files(tmp_path / "set/a.csv") == [tmp_path / "set/a.csv"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="has no table"):
        table_files(tmp_path / "empty")
