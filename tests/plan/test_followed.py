"""Paths that Snakemake cannot follow are one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from affectflow.config import complete
from affectflow.core.errors import UserError
from affectflow.plan import Plan
from affectflow.plan.followed import followed


@pytest.mark.parametrize(
    "path", ["a.csv", "a b.csv", "ünï'cö.csv", "100%.csv", "$x.csv", "a{.csv", "a}{.csv", "[a].csv", "a*.csv"]
)
def test_names_that_are_fine(path: str) -> None:
    assert followed(path, "key") == path


@pytest.mark.parametrize("path", ["{x}.csv", "a{0}/b.csv", "{}.csv", "{a,b}.csv"])
def test_braces_are_refused(path: str) -> None:
    with pytest.raises(UserError, match=r"\(key\) has braces, which Snakemake takes for a wildcard; rename it\."):
        followed(path, "key")


def plan(path: Path) -> Plan:
    nothing = {"root": None}
    sets = {name: nothing for name in ("disfa", "amfed", "affwild")}
    return Plan(complete({"data": {**sets, "emotionet": {"tables": [str(path)]}, "annotations": None}}))


def test_a_name_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/caf\xe9.csv", "wb") as stream:
        stream.write(b"x")
    with pytest.raises(UserError, match=r"caf\\udce9\.csv \(data\.emotionet\.tables\) has a name that is not UTF-8"):
        plan(tmp_path).data.tables()


def test_what_is_neither_file_nor_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UserError, match=r"pipe\.csv is neither a file nor a folder; correct data\.emotionet\.tables"):
        plan(tmp_path / "pipe.csv")
    with pytest.raises(UserError, match="has no table"):
        plan(tmp_path).data.tables()
