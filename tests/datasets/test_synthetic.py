"""Drawn data is known as such wherever it lies, and never mixed with real data."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

from affectflow.core.errors import UserError
from affectflow.datasets.synthetic import DEMO, MARKER, NOTE, check_unmixed, is_drawn, mark_as_drawn


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("real").mkdir()


def workbook(path: Path, note: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.properties.description = note
    book.save(path)
    return path


@pytest.mark.parametrize(
    "path",
    [
        DEMO / "disfa",
        DEMO / "emotionet/t.xlsx",
        Path("./results/demo/disfa"),
        Path("results/../results/demo/disfa"),
        Path("real/../results/demo/annotations"),
        Path("results/demo"),
    ],
)
def test_what_the_demo_makes_is_drawn_before_it_exists(path: Path) -> None:
    assert is_drawn(path)
    assert ".." in path.parts or is_drawn(Path.cwd() / path)


@pytest.mark.parametrize(
    "path", ["real", "results/demography", "results/demo/../../real", "results", "missing.xlsx", "/"]
)
def test_what_is_real(path: str) -> None:
    assert not is_drawn(Path(path))
    assert ".." in path or not is_drawn(Path.cwd() / path)


@pytest.mark.parametrize("path, drawn", [("real/../results/demo/disfa", True), ("results/demo/../../real", False)])
def test_absolute_paths_with_dots(path: str, drawn: bool) -> None:
    assert is_drawn(Path.cwd() / path) is drawn


def test_marks_travel_with_the_data(tmp_path: Path) -> None:
    mark_as_drawn(DEMO / "disfa")
    shutil.copytree(DEMO / "disfa", tmp_path / "copied")
    assert NOTE in (tmp_path / "copied" / MARKER).read_text()
    assert is_drawn(Path("copied")) and is_drawn(tmp_path / "copied")
    shutil.copy(workbook(DEMO / "t.xlsx", NOTE), tmp_path / "my.xlsx")
    assert is_drawn(Path("my.xlsx"))
    assert not is_drawn(workbook(tmp_path / "theirs.xlsx", "a note of someone else"))
    (tmp_path / "damaged.xlsx").write_text("x")
    assert not is_drawn(Path("damaged.xlsx"))


def test_mixing_is_refused_both_ways() -> None:
    drawn, real = DEMO / "disfa", Path("real")
    for emotionet, disfa in ((drawn, real), (real, drawn)):
        with pytest.raises(UserError) as caught:
            check_unmixed({"data.emotionet.tables": emotionet, "data.affwild.root": disfa, "data.disfa.root": disfa})
        message = str(caught.value)
        assert "data.emotionet.tables" in message and "data.affwild.root" in message
        assert "\n" not in message


def test_one_kind_is_fine() -> None:
    assert check_unmixed({"a": DEMO / "a", "b": DEMO / "b"}) is True
    assert check_unmixed({"a": Path("real"), "b": Path("real/b")}) is False
    assert check_unmixed({}) is False
