"""What is remembered of source files, and when it is not used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from affectflow.core.source import Source, read_source
from affectflow.core.source_cache import SourceCache

TEXT = (
    '"""What it is."""\nimport os\n\n\ndef make():\n    from affectflow.media import jpeg  # later\n    return jpeg\n'
)
FOUND = read_source(TEXT, "affectflow.media")


def parse() -> Source:
    return FOUND


def never() -> Source:
    raise AssertionError("was parsed again")


@pytest.fixture(autouse=True)
def may_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_what_was_saved_is_not_parsed_again(tmp_path: Path) -> None:
    path = tmp_path / "__pycache__" / "sources.json"
    cache = SourceCache(path, "1")
    assert cache.recall("a", parse) == FOUND and cache.recall("a", never) == FOUND
    cache.save()
    assert SourceCache(path, "1").recall("a", never) == FOUND
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"version": "1"}', b'{"version": "2", "entries": {"a": 3}}']
)
def test_another_version_and_damage_are_parsed_anew(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "sources.json"
    if content is not None:
        path.write_bytes(content)
    assert SourceCache(path, "1").recall("a", parse) == FOUND


def test_where_python_writes_nothing_neither_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sources.json"
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    cache = SourceCache(path, "1")
    cache.recall("a", parse)
    cache.save()
    assert not path.exists()


def test_a_folder_that_may_not_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = SourceCache(tmp_path / "file" / "sources.json", "1")
    cache.recall("a", parse)
    cache.save()


def test_entries_of_former_versions_are_dropped_when_there_are_many(tmp_path: Path) -> None:
    path = tmp_path / "sources.json"
    old = SourceCache(path, "1")
    for number in range(2001):
        old.recall(str(number), parse)
    old.save()
    new = SourceCache(path, "1")
    new.recall("0", never)
    new.recall("new", parse)
    new.save()
    after = SourceCache(path, "1")
    assert after.recall("0", never) and after.recall("new", never)
    with pytest.raises(AssertionError):
        after.recall("1", never)
