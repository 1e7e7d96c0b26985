"""Lists of URLs in the forms in which others publish them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectflow.core.errors import UserError
from affectflow.download.list_files import read_urls

URLS = ["http://a.example/1,2.jpg", "http://b.example/?q=a;b", "http://c.example/3.jpg"]


def text(content: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(content)


def workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Please cite us"])
    sheet = book.create_sheet("list")
    for row in (["a list of 2024", None], ["caption", "URL"], *(["a cat", url] for url in URLS)):
        sheet.append(row)
    book.save(path)


FRAME = pandas.DataFrame({"url": URLS, "text": ["a cat", None, "a dog"]})
FORMS: dict[str, Callable[[Path], object]] = {
    "lines": text("\n".join(URLS)),
    "csv": text("URL,TEXT\n" + "".join(f'"{url}",a cat\n' for url in URLS)),
    "semicolons": text("TEXT;URL\n" + "".join(f'"a ""cat""";"{url}"\n' for url in URLS)),
    "tsv": text("caption\turl\n" + "".join(f'a "cat\t{url}\n' for url in URLS)),
    "tsv without a header": text("".join(f"a cat\t{url}\n" for url in URLS)),
    "jsonl": text("".join(json.dumps({"caption": "a\ncat", "url": url}) + "\n" for url in URLS)),
    "json": text(json.dumps([{"url": url, "n": 1} for url in URLS], indent=2)),
    "json of texts": text(json.dumps(URLS)),
    **{
        f"pandas' to_json, {way}": partial(FRAME.to_json, orient=way)
        for way in ("columns", "index", "split", "table", "records")
    },
    "pandas' to_json over lines": lambda path: FRAME.to_json(path, indent=2),
    "utf-16": lambda path: path.write_text("url\n" + "".join(f'"{url}"\n' for url in URLS), encoding="utf-16"),
    "compressed": lambda path: path.write_bytes(gzip.compress("\n".join(URLS).encode())),
    "parquet": lambda path: pq.write_table(pa.table({"TEXT": ["a cat"] * 3, "URL": URLS}), path),
    "workbook": workbook,
}


def test_a_table_of_pandas_with_another_column_and_objects_a_line(tmp_path: Path) -> None:
    FRAME.rename(columns={"url": "link"}).to_json(tmp_path / "list.json")
    assert [row.url for row in read_urls(tmp_path / "list.json", "link")] == URLS
    nested = "".join(json.dumps({"image": {"url": url, "w": 3}}) + "\n" for url in URLS)
    (tmp_path / "list.jsonl").write_text(nested)
    with pytest.raises(UserError, match="no column 'url'; found 'image'"):
        list(read_urls(tmp_path / "list.jsonl"))
    (tmp_path / "list.jsonl").write_text("\n\n" + json.dumps({"url": URLS[0]}) + "\n\n")
    assert [row.url for row in read_urls(tmp_path / "list.jsonl")] == URLS[:1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"columns": ["url", "text"], "data": [["http://a"], ["http://b", "x"]]}', "item 1: expected a URL, or"),
        ('{"columns": ["url"], "data": [["http://a"], "http://b", null]}', "item 3: expected a URL, or"),
        ('{"url": "http://a", "url": "http://b"}', "a key occurs twice"),
    ],
)
def test_rows_of_json_are_read_whole_or_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "list.json").write_text(content)
    with pytest.raises(UserError, match=said):
        list(read_urls(tmp_path / "list.json"))


def test_ragged_columns_of_pandas(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text('{"text": {"0": "a"}, "url": {"0": "http://a", "1": "http://b"}}')
    assert [row.url for row in read_urls(tmp_path / "list.json")] == ["http://a", "http://b"]


def test_urls_above_the_header_of_a_sheet_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for cell in ("http://a", "url", "http://c"):
        book.active.append([cell])
    book.save(tmp_path / "list.xlsx")
    with pytest.raises(UserError, match="row 1: a URL above the header"):
        list(read_urls(tmp_path / "list.xlsx"))


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_lists(tmp_path: Path, form: str) -> None:
    FORMS[form](tmp_path / "list")  # the content tells the form, not the name
    assert [row.url for row in read_urls(tmp_path / "list")] == URLS


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_the_column_of_urls_may_have_another_name(tmp_path: Path, form: str) -> None:
    rows = [{"link": url, "text": "a cat"} for url in URLS]
    path = tmp_path / "list"
    match form:
        case "csv":
            path.write_text("text,link\n" + "".join(f'a cat,"{url}"\n' for url in URLS))
        case "tsv":
            path.write_text("text\tlink\n" + "".join(f"a cat\t{url}\n" for url in URLS))
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
    assert [row.url for row in read_urls(path, "link")] == URLS
    with pytest.raises(UserError, match=r"no column 'url'; found .*'link'.*--url-column"):
        list(read_urls(path))
    with pytest.raises(UserError, match=r"no column 'address'; found .*'link'"):
        list(read_urls(path, "address"))


@pytest.mark.parametrize(
    "content, said",
    [
        ("url\nhttp://a/1.jpg\nhttp://a/good,1.jpg\n", r"line 3, has 2 cells, but the header has 1"),
        ('url\nhttp://a/1.jpg\n"http://a/2.jpg\nhttp://a/3.jpg\n', r"line 3, is not CSV"),
        ('url,n\nhttp://a/1.jpg,1\n"http://a/2.jpg\nhttp://a/3.jpg",2\n', r"line 3: a quote joins this line"),
        ("url,URL\nhttp://a/1.jpg,http://a/2.jpg\n", r"two columns for 'url'"),
        ("a cat\thttp://a/1.jpg\nhttp://a/2.jpg\n", r"line 2, has 1 cells, not 2"),
        ('{"url": "http://a/1.jpg"}\n{"url": \n', r"line 2, is not JSON"),
        ('[{"link": "http://a/1.jpg"}]', r"no column 'url'; found 'link'"),
        ("[1, 2]", r"item 1: expected a URL"),
        ('{\n "link": "http://a/1.jpg"\n}', r"no column 'url'; found 'link'"),
        ('{"url": \n', r"is not JSON .*write an object a line"),
        ('{"columns": ["a"], "data": [["b"]]}', r"no column 'url'; found 'a'"),
        ("http://a/1.jpg,cat\nhttp://a/2.jpg,dog\n", r"not sure whether its commas belong to the URLs; add a line"),
    ],
)
def test_what_would_fetch_another_image_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        list(read_urls(tmp_path / "list.csv"))


@pytest.mark.parametrize("place", [0, 3, -1])
def test_names_of_columns_in_a_url_are_no_header(tmp_path: Path, place: int) -> None:
    urls = [f"http://a/{i}.jpg" for i in range(6)]
    urls[place] = "http://a/get?fields=id,url"
    (tmp_path / "list.txt").write_text("\n".join(urls) + "\n")
    assert [row.url for row in read_urls(tmp_path / "list.txt")] == urls


def test_a_sheet_of_urls_without_a_header_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["url"])
    book.active.append(["http://a/1.jpg"])
    book.create_sheet("more").append(["http://a/2.jpg"])
    book.save(tmp_path / "list.xlsx")
    with pytest.raises(UserError, match=r"sheet more, has URLs, and no header"):
        list(read_urls(tmp_path / "list.xlsx"))


def test_a_categorical_column_is_text(tmp_path: Path) -> None:
    urls = pa.array(["http://a/1.jpg", "http://a/2.jpg"] * 40).dictionary_encode()
    pq.write_table(pa.table({"url": urls}), tmp_path / "list.parquet")
    assert [row.url for row in read_urls(tmp_path / "list.parquet")] == urls.to_pylist()


def test_a_comma_in_some_urls_of_a_plain_list_is_theirs(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("\n".join(URLS))
    assert [row.url for row in read_urls(tmp_path / "list.csv")] == URLS
