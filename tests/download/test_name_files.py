"""Labelled URLs -> the list to download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from affectflow.core.errors import UserError
from affectflow.download.name_files import check_bijection, write_file_names


def table(save_csv: Callable[..., Path], path: Path, *urls: tuple[str, str]) -> Path:
    return save_csv(path, ["url", "url_orig"], urls)


def test_adding_rows_renames_nothing(
    tmp_path: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]
) -> None:
    urls = [(f"http://a.example/{i},'\".jpg", "") for i in range(5)]
    few, many = tmp_path / "few.csv", tmp_path / "many.csv"
    assert write_file_names(table(save_csv, tmp_path / "1.csv", *urls), None, few) == 5
    new = [("http://0.example/", ""), *urls[:2], ("http://a.example/new", "")]
    assert write_file_names(table(save_csv, tmp_path / "2.csv", *new, *urls), None, many) == 7
    before, after = ({row["url"]: row["file_name"] for row in rows_of(path)} for path in (few, many))
    assert before.items() <= after.items()
    assert list(after) == list(dict.fromkeys(url for url, _ in [*new, *urls]))


def test_a_later_row_brings_the_fallback(
    tmp_path: Path, save_csv: Callable[..., Path], rows_of: Callable[[Path], list[dict[str, str]]]
) -> None:
    rows = [("http://a/1", ""), ("http://a/1", "http://b/1"), ("http://a/1", "http://c/1")]
    write_file_names(table(save_csv, tmp_path / "labels.csv", *rows), None, tmp_path / "names.csv")
    assert [row["url_orig"] for row in rows_of(tmp_path / "names.csv")] == ["http://b/1"]


@pytest.mark.parametrize("pairs", [[("u", "n"), ("v", "n")], [("u", "n"), ("u", "m")]])
def test_bijection_is_checked(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(UserError, match="'u'"):
        check_bijection(pairs)
    check_bijection([pairs[0], pairs[0]])
