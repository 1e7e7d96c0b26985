"""Results are made from one study's data; another's never overwrites them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from affectflow.config import complete
from affectflow.contracts.study import StudyFile
from affectflow.core.errors import UserError
from affectflow.datasets import synthetic
from affectflow.study.ownership import STUDY, check_ownership, claim_results


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(**data: Any) -> dict[str, Any]:
    return complete({"data": {name: {"root": value} for name, value in data.items()}})


DEMO = config(disfa="results/demo/disfa")


def test_the_first_job_claims_and_the_check_writes_nothing() -> None:
    mine = config(disfa="/data/DISFA")
    check_ownership(mine)
    assert not STUDY.exists()
    claim_results(mine)
    found = StudyFile.read(STUDY)
    assert found.data == "real" and found.roots == {"disfa": ["/data/DISFA"]}
    check_ownership(mine)


def test_the_demo_does_not_run_into_a_study() -> None:
    claim_results(config(disfa="/data/DISFA"))
    for act in (check_ownership, claim_results):
        with pytest.raises(UserError, match=r"made from your data.*--configfile"):
            act(DEMO)
    assert StudyFile.read(STUDY).data == "real"


def test_a_study_does_not_run_into_the_demo() -> None:
    claim_results(DEMO)
    with pytest.raises(UserError, match=r"made by the demo.*data.disfa.root '/data/DISFA'.*delete results/\."):
        check_ownership(config(disfa="/data/DISFA"))


def test_a_demo_without_its_file_is_known_by_its_folder() -> None:
    synthetic.mark_as_drawn(synthetic.DEMO / "disfa")
    with pytest.raises(UserError, match="made by the demo"):
        check_ownership(config(disfa="/data/DISFA"))
    check_ownership(DEMO)


def test_other_roots_are_refused_and_further_sets_are_not() -> None:
    claim_results(config(disfa="/data/DISFA"))
    with pytest.raises(UserError, match=r"'/data/DISFA', and the configuration has '/elsewhere'.*delete results/study"):
        check_ownership(config(disfa="/elsewhere"))
    claim_results(config(disfa="/data/DISFA", amfed="/data/AMFED"))
    claim_results(config(amfed="/data/AMFED"))  # one is left out today
    with pytest.raises(UserError, match=r"data\.disfa\.root"):
        check_ownership(config(disfa="/elsewhere"))


def test_a_further_table_is_the_same_study() -> None:
    def tables(*names: str) -> dict[str, Any]:
        return complete({"data": {"emotionet": {"tables": list(names)}}})

    claim_results(tables("a.xlsx"))
    claim_results(tables("a.xlsx", "b.xlsx"))
    check_ownership(tables("b.xlsx"))
    with pytest.raises(UserError, match=r"data\.emotionet\.tables"):
        check_ownership(tables("c.xlsx"))


@pytest.mark.parametrize("spelling", ["./data/DISFA/", "data/../data/DISFA", "$HERE/data/DISFA", "~/data/DISFA"])
def test_the_same_folder_by_another_spelling(spelling: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE", str(here))
    monkeypatch.setenv("HOME", str(here))
    claim_results(config(disfa="data/DISFA"))
    assert config(disfa=spelling) == config(disfa="data/DISFA") == config(disfa=str(here / "data/DISFA"))
    check_ownership(config(disfa=spelling))


def test_a_damaged_file_is_a_sentence() -> None:
    STUDY.parent.mkdir()
    STUDY.write_text("{")
    with pytest.raises(UserError, match=r"results/study\.json is damaged"):
        check_ownership(DEMO)


def test_photographs_that_anyone_may_use_belong_to_drawn_and_real_studies() -> None:
    claim_results(config(own="results/demo/people", london="/data/london"))
    assert StudyFile.read(STUDY).data == "drawn"
    claim_results(config(london="/data/london"))  # scored alone
    assert StudyFile.read(STUDY).data == "drawn"
    STUDY.unlink()
    claim_results(config(london="/data/london"))  # decides nothing
    assert not STUDY.exists()
    claim_results(config(own="/data/mine", london="/data/london"))
    assert StudyFile.read(STUDY).data == "real"
