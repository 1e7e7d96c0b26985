"""Inputs that are dated in the future are named before anything starts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from affectflow.core.errors import UserError
from affectflow.study.clock import check_dates


def dated(path: Path, ahead_s: float) -> str:
    path.touch()
    os.utime(path, (time.time() + ahead_s,) * 2)
    return str(path)


def test_dates_of_the_past_and_of_now_are_fine(tmp_path: Path) -> None:
    names = [dated(tmp_path / "old", -1e9), dated(tmp_path / "now", 0), dated(tmp_path / "rounded", 1), "not there"]
    check_dates(names, made=[], folder=tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_what_is_made_anew_may_have_any_date(tmp_path: Path) -> None:
    name = dated(tmp_path / "x", 1e6)
    check_dates([name], made=[name], folder=tmp_path)


@pytest.mark.parametrize("ahead_s", [60, 3600, 86400 * 400])
def test_the_first_is_named_with_its_date_and_a_remedy(tmp_path: Path, ahead_s: float) -> None:
    names = [dated(tmp_path / f"{i} of.csv", ahead_s) for i in range(5)]
    with pytest.raises(UserError) as caught:
        check_dates([*names, dated(tmp_path / "0 fine", 0)], made=[], folder=tmp_path)
    year = time.strftime("%Y-%m-%d", time.localtime(time.time() + ahead_s))
    assert str(caught.value).startswith(f"{names[0]} is dated in the future ({year} ")
    assert str(caught.value).endswith(f"touch '{names[0]}' '{names[1]}' '{names[2]}' (and 2 more)")
