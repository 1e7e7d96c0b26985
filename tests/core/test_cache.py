"""Files are reused under the same cache key, and a kill leaves a complete entry or none."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from affectflow.core.cache import file_sha256, fingerprint, make_or_reuse


class Killed(BaseException):
    """As sudden as a signal: no clean-up of ours may depend on catching it."""


class Maker:
    """Two outputs, a count of how often they were made, and a place to die at."""

    def __init__(self, folder: Path) -> None:
        self.outputs = [folder / "out/a.bin", folder / "out/b.csv"]
        self.store = folder / "store"
        self.made = 0
        self.content = b"1"
        self.die_before: int | None = None

    def _make(self, paths: Sequence[Path]) -> None:
        self.made += 1
        for i, path in enumerate(paths):
            if self.die_before == i:
                path.write_bytes(b"half")
                raise Killed
            path.write_bytes(self.content + path.name.encode())
        if self.die_before == len(paths):
            raise Killed

    def run(self, key: str) -> bool:
        return make_or_reuse(self.store, key, self.outputs, self._make)

    def results(self) -> list[bytes]:
        return [path.read_bytes() for path in self.outputs]


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def test_made_once(maker: Maker) -> None:
    assert maker.run("m") is False
    first = maker.results()
    for path in maker.outputs:
        path.unlink()
    assert maker.run("m") is True
    assert (maker.made, maker.results()) == (1, first)


def test_made_again_under_another_key(maker: Maker) -> None:
    maker.run("m")
    maker.content = b"2"
    assert maker.run("n") is False
    assert maker.results() == [b"2a.bin", b"2b.csv"]
    maker.content = b"3"
    assert maker.run("m") is False
    assert maker.results() == [b"3a.bin", b"3b.csv"]


def test_a_lost_part_of_the_entry_is_made_again(maker: Maker) -> None:
    maker.run("m")
    next(path for path in maker.store.rglob("b.csv")).unlink()
    assert maker.run("m") is False and maker.made == 2


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("key", ["m", "n"])
def test_a_kill_while_making_leaves_no_half_entry(maker: Maker, step: int, key: str) -> None:
    maker.run("m")
    maker.content = b"2"
    if key == "m":
        next(path for path in maker.store.rglob("a.bin")).unlink()
    maker.die_before = step
    with pytest.raises(Killed):
        maker.run(key)
    maker.die_before = None
    assert maker.run(key) is False
    assert maker.results() == [b"2a.bin", b"2b.csv"]


@pytest.mark.parametrize("call", range(4))
def test_a_kill_between_any_two_renames_is_survived(maker: Maker, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    maker.run("m")
    maker.content = b"2"
    calls = 0
    replace = os.replace

    def dying(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == call + 1:
            raise Killed
        replace(source, target)

    monkeypatch.setattr(os, "replace", dying)
    if call < 3:
        with pytest.raises(Killed):
            maker.run("n")
    else:
        maker.run("n")
        assert calls == 3
    monkeypatch.undo()
    maker.run("n")
    assert maker.results() == [b"2a.bin", b"2b.csv"]


def test_outputs_look_new_when_handed_on(maker: Maker) -> None:
    maker.run("m")
    for path in maker.outputs:
        os.utime(path, (0, 0))
    maker.run("m")
    assert all(path.stat().st_mtime > 1e9 for path in maker.outputs)


def test_an_output_that_someone_deletes_or_replaces_leaves_the_store_alone(maker: Maker) -> None:
    maker.run("m")
    before = maker.results()
    maker.outputs[0].unlink()
    replacement = maker.outputs[1].with_name("new")
    replacement.write_bytes(b"other")
    replacement.replace(maker.outputs[1])
    assert maker.run("m") is True and maker.results() == before


def test_fingerprints() -> None:
    base = fingerprint({"a": 1, "b": [2]}, [["x", 1], ["y", 2]])
    assert base == fingerprint({"b": [2], "a": 1}, iter([["x", 1], ["y", 2]]))
    others = [
        fingerprint({"a": 2, "b": [2]}, [["x", 1], ["y", 2]]),
        fingerprint({"a": 1, "b": [2]}, [["y", 2], ["x", 1]]),
        fingerprint({"a": 1, "b": [2]}, [["x", 1]]),
        fingerprint({"a": 1, "b": [2]}, [["x", 1], ["y", 2], []]),
        fingerprint({"a": "1", "b": [2]}, [["x", 1], ["y", 2]]),
    ]
    assert len({base, *others}) == 6


def test_file_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert file_sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
