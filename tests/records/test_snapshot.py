"""A set without its images: written down, read again, reproduced, or the difference reported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from affectflow.cli import main
from affectflow.core.errors import UserError
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.name_files import write_file_names
from affectflow.download.snapshot import (
    COLUMNS,
    Entry,
    Snapshot,
    compare,
    read_snapshot,
    write_differences,
    write_snapshot,
)
from affectflow.records.snapshot import take_snapshot, write_card
from affectflow.tables.parquet import write_parquet

Rows = Callable[[Path], list[dict[str, str]]]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def ledger(path: Path, images: Mapping[str, str | None]) -> Path:
    """URLs and what each shows; None where it failed."""
    rows = (
        {"url": url, "url_orig": f"{url}old", "outcome": "ok" if text else "not_found", "sha256": sha(text or "")}
        for url, text in images.items()
    )
    write_parquet(path, LEDGER_SCHEMA, rows)
    return path


def samples(path: Path, sides: Mapping[str, tuple[str, str]]) -> Path:
    rows = (
        {"sha256": sha(text), "split": split, "group": group, "units": [0] * 60}
        for text, (split, group) in sides.items()
    )
    write_parquet(path, SAMPLES_SCHEMA, rows)
    return path


URLS = {"http://b/": "cat", "http://a/": "dog", "http://c/": None, "http://d/": "cat"}
SIDES = {"cat": ("train", "g1"), "dog": ("test", "g2")}


@pytest.fixture
def taken(tmp_path: Path) -> Snapshot:
    return take_snapshot(ledger(tmp_path / "ledger", URLS), samples(tmp_path / "samples", SIDES))


def test_every_url_that_gave_an_image_is_in_it(taken: Snapshot) -> None:
    assert taken.entries == {
        "http://b/": Entry("http://b/old", sha("cat"), "train", "g1"),
        "http://a/": Entry("http://a/old", sha("dog"), "test", "g2"),
        "http://d/": Entry("http://d/old", sha("cat"), "train", "g1"),
    }
    assert taken.images() == {sha(text): side for text, side in SIDES.items()}


def test_the_file_says_the_same_and_depends_on_the_set_alone(taken: Snapshot, tmp_path: Path) -> None:
    write_snapshot(taken, tmp_path / "one")
    assert read_snapshot(tmp_path / "one") == taken
    turned = Snapshot(dict(reversed(taken.entries.items())))
    write_snapshot(turned, tmp_path / "other")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert len(taken.id) == 20


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(deadline=None)
@given(st.dictionaries(TEXT, st.tuples(TEXT, TEXT, TEXT), min_size=1), st.data())
def test_the_id_changes_with_every_cell_that_says_what_the_set_is(
    cells: dict[str, tuple[str, str, str]], data: st.DataObject
) -> None:
    entries = {url: Entry("", *rest) for url, rest in cells.items()}
    url = data.draw(st.sampled_from(sorted(entries)))
    field = data.draw(st.sampled_from(["sha256", "split", "group"]))
    altered = entries | {url: entries[url]._replace(**{field: getattr(entries[url], field) + "x"})}
    elsewhere = entries | {url: entries[url]._replace(url_orig="http://elsewhere/")}
    without = {other: entry for other, entry in entries.items() if other != url}
    one = Snapshot(entries).id
    assert Snapshot(elsewhere).id == one
    assert one not in (Snapshot(altered).id, Snapshot(without).id)


def test_without_samples_there_are_no_splits(tmp_path: Path, taken: Snapshot) -> None:
    plain = take_snapshot(ledger(tmp_path / "ledger", URLS), None)
    assert plain.entries.keys() == taken.entries.keys() and plain.id != taken.id
    assert not plain.has_splits and taken.has_splits


def test_samples_of_another_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"1 images that .* lacks"):
        take_snapshot(ledger(tmp_path / "ledger", URLS), samples(tmp_path / "s", SIDES | {"cow": ("train", "g3")}))


def _altered(path: Path, **changes: list[str]) -> None:
    table = pq.read_table(path)
    for name, column in changes.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(column))
    pq.write_table(table, path)


def test_a_changed_file_is_refused(taken: Snapshot, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    write_snapshot(taken, path)
    _altered(path, split=["train", "train", "train"])
    with pytest.raises(UserError, match=f"says '{taken.id}'"):
        read_snapshot(path)
    write_snapshot(taken, path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match="not a complete Parquet file"):
        read_snapshot(path)
    pq.write_table(pa.table({"url": ["http://a/"]}), path)
    with pytest.raises(UserError, match="is not a snapshot"):
        read_snapshot(path)


def _forged(path: Path, note: str = "x", **columns: pa.Array) -> Path:
    rows = {name: pa.array(["x"] * len(columns["url"])) for name in ("url_orig", "sha256", "split", "group")}
    table = pa.table({**rows, **columns})
    pq.write_table(table.replace_schema_metadata({"affectflow.snapshot": note}), path)
    return path


@pytest.mark.parametrize(
    "note, columns, named",
    [
        ("x", {"url": pa.array(["http://a/"] * 300)}, "'http://a/' twice"),
        ("x", {"url": pa.array([b"\xff\xfe"]).cast(pa.string(), safe=False)}, "not UTF-8"),
        ("x", {"url": pa.array([1])}, "is not text"),
        ("x", {"url": pa.array(["a"]), "group": pa.array(["g" * 70_000])}, "65,536"),
        ("\x1b[2J" + "n" * 99_999, {"url": pa.array(["a"])}, "was changed"),
    ],
)
def test_a_forgeds_file_is_read_with_care(tmp_path: Path, note: str, columns: dict[str, pa.Array], named: str) -> None:
    with pytest.raises(UserError, match=named) as caught:
        read_snapshot(_forged(tmp_path / "s", note, **columns))
    assert len(str(caught.value)) < 500 and "\x1b" not in str(caught.value)


def test_a_column_twice_is_named(tmp_path: Path) -> None:
    columns = [pa.array(["a"])] * 2
    table = pa.Table.from_arrays(columns, schema=pa.schema([("url", pa.string())] * 2, {"affectflow.snapshot": "x"}))
    pq.write_table(table, tmp_path / "s")
    with pytest.raises(UserError, match="'url' twice"):
        read_snapshot(tmp_path / "s")


@pytest.mark.parametrize(
    "entry, named",
    [
        (Entry("", sha("cat"), "test", "g1"), "belongs to two splits"),
        (Entry("", sha("cow"), "test", "g1"), "the group g1"),
        (Entry("", sha("cow"), "", ""), "only some"),
        (Entry("", sha("cow"), "dev", "g3"), "http://e/"),
        (Entry("", sha("cow"), "train", ""), "http://e/"),
        (Entry("", sha("cow"), "train", "g\x1b[2J"), "http://e/"),
        (Entry("", sha("cow").upper(), "train", "g3"), "http://e/"),
        (Entry("", "", "train", "g3"), "http://e/"),
    ],
)
def test_an_image_lies_on_one_side(taken: Snapshot, tmp_path: Path, entry: Entry, named: str) -> None:
    write_snapshot(Snapshot({**taken.entries, "http://e/": entry}), tmp_path / "s")
    with pytest.raises(UserError, match=named):
        read_snapshot(tmp_path / "s")


def test_differences_are_told_row_by_row(taken: Snapshot, tmp_path: Path, rows_of: Rows) -> None:
    same = compare(taken, tmp_path / "ledger")
    assert not same.differences and not same.lost
    there = ledger(tmp_path / "there", {"http://a/": "cow", "http://b/": None, "http://d/": "cat"})
    found = compare(taken, there)
    write_differences(found, tmp_path / "d.csv")
    rows = {row["url"]: (row["outcome"], row["image"]) for row in rows_of(tmp_path / "d.csv")}
    assert rows == {"http://b/": ("not_found", "came by another URL"), "http://a/": ("changed", "lost")}
    first = rows_of(tmp_path / "d.csv")[0]
    assert tuple(first) == COLUMNS and first["sha256"] == sha("cat") and first["split"] == "train"
    assert found.lost == 1
    assert compare(taken, ledger(tmp_path / "none", {"http://x/": "cat"})).summary() == {
        "id": taken.id,
        "urls": 3,
        "images": 2,
        "images_lost": 1,
        "urls_that_differ": {"not_listed": 3},
    }
    write_card(take_snapshot(there, None), found, tmp_path / "card.json")
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["reproduces"]["id"] == taken.id != card["id"]
    assert (card["urls"], card["images"]) == (2, 2)


def test_only_the_snapshots_urls_are_named_for_download(
    taken: Snapshot, tmp_path: Path, save_csv: Callable[..., Path], rows_of: Rows
) -> None:
    write_snapshot(taken, tmp_path / "s")
    labels = save_csv(tmp_path / "labels.csv", ["url", "url_orig"], [("http://a/", ""), ("http://new/", "")])
    assert write_file_names(labels, tmp_path / "s", tmp_path / "names.csv") == 1
    (row,) = rows_of(tmp_path / "names.csv")
    assert row["url"] == "http://a/" and row["sha256"] == sha("dog")
    save_csv(labels, ["url", "url_orig"], [("http://new/", "")])
    with pytest.raises(UserError, match="no URL of"):
        write_file_names(labels, tmp_path / "s", tmp_path / "names.csv")


def test_a_download_without_an_image_has_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no image"):
        take_snapshot(ledger(tmp_path / "ledger", {"http://a/": None}), None)


def test_mistakes_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = ledger(tmp_path / "ledger", URLS)
    (tmp_path / "damaged").write_bytes(made.read_bytes().replace(b"\x28\xb5\x2f\xfd", b"\0\0\0\0"))
    for words, named in (
        ([str(made), "--out", str(tmp_path)], "is a folder"),
        ([str(made), "--out", str(made / "x.parquet")], "choose another place"),
        ([str(made), "--out", str(made)], "another file"),
        ([str(tmp_path / "damaged"), "--out", str(tmp_path / "s")], "fetch it again"),
        ([str(tmp_path / "nowhere"), "--out", str(tmp_path / "s")], "does not exist"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["snapshot", *words])
        assert caught.value.code == 1
        said = capsys.readouterr().err.strip()
        assert said.startswith("affectflow: ") and named in said and "\n" not in said
    assert not (tmp_path / "s").exists()
