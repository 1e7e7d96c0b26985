"""URL <-> file name: readable, portable, one to one, and the same for ever."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectflow.media import file_names as names

HOSTILE = [
    "",
    " ",
    "http://a.example/" + "x" * 10_000,
    "http://" + "h" * 10_000,
    "http://a.example/../../etc/passwd",
    "http://a.example/..",
    "http://a.example",
    "http://a.example/?only=query",
    "?only=query",
    "http://a.example/a\0b",
    "http://a.example/\ud800\udfff\ud800",
    "http://例え.テスト/写真.jpg",
    "http://a.example/%2e%2e%2f%00%ff%FE.jpg",
    "http://user:secret@a.example/1.jpg",
    "C:\\CON.jpg",
    "http://con/nul",
    "-rf",
    "http://a.example/ﬁ①Ⅷ.jpg",
    "http://[::1]:80/1.jpg",
]
any_text = st.text(st.characters()) | st.sampled_from(HOSTILE) | st.builds("http://{}/{}".format, st.text(), st.text())


@given(any_text)
def test_any_url_gives_a_portable_name(url: str) -> None:
    name = names.file_name(url)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert len(name.encode()) <= 120
    assert name == names.file_name(url)
    assert re.fullmatch(r"[a-z0-9]{2}", names.folder(name))


@pytest.mark.parametrize("url", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_urls(url: str) -> None:
    test_any_url_gives_a_portable_name.hypothesis.inner_test(url)  # type: ignore[attr-defined]


@given(st.sets(any_text, min_size=2))
def test_different_urls_get_different_names(urls: set[str]) -> None:
    assert len({names.file_name(url) for url in urls}) == len(urls)


@pytest.mark.parametrize(
    "one, other",
    [
        ("http://a.example/1.jpg", "http://a.example/1.JPG"),
        ("http://a.example/1.jpg", "https://a.example/1.jpg"),
        ("http://a.example/é.jpg", "http://a.example/e\u0301.jpg"),
        ("http://a.example/1.jpg?a", "http://a.example/1.jpg?b"),
        ("http://a.example/1.jpg", "http://a.example/1.jpg "),
        ("http://a.example/" + 10_000 * "x", "http://a.example/" + 10_001 * "x"),
    ],
)
def test_near_twins_differ_even_where_case_does_not_count(one: str, other: str) -> None:
    assert names.file_name(one).casefold() != names.file_name(other).casefold()


def test_many_urls_injective() -> None:
    assert len({names.file_name(f"http://a.example/{i}.jpg") for i in range(20_000)}) == 20_000


def test_names_are_readable_and_pinned() -> None:
    name = names.file_name("http://photos.example/cats/Smiling%20Face.jpg?size=1")
    assert name.startswith("photos-example-smiling-face-jpg-")
    assert "secret" not in names.file_name("http://user:secret@a.example/1.jpg")
    # Stores of older versions hold this name; it must never change.
    assert names.file_name("http://a.example/1.jpg") == "a-example-1-jpg-pvznlqjrt527cihuvbpyy5a2k5"
