"""A model of drawn faces scored on photographs of real people, which are fetched: the one place where both meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Workflow
from tests.datasets.test_london_archive import publish
from tests.workflow.photographs import served

pytest.importorskip("keras")

SCORE = "results/eval/london_resnet.json"


def test_a_model_of_drawn_faces_is_scored_on_it(copy: Workflow, tmp_path: Path) -> None:
    with served(publish(tmp_path / "web", people=18)) as server:
        copy.configure(data={"london": {"root": "results/london", "server": server}})
        copy.succeed(SCORE)
        copy.succeed("results/london/SOURCE.txt", options=("--forcerun", "fetch_london"))
    score = json.loads(copy.path("eval/london_resnet.json").read_text())
    assert (score["synthetic"], score["trained_on"], score["within_set"]) == (False, ["emotionet"], False)
    assert "note" not in score
    assert score["warnings"][0] == (
        "resnet learned from faces drawn by affectflow, and is scored on photographs of real people."
    )
    assert (score["protocol"]["name"], score["protocol"]["subjects"]) == ("smile", 18)
    smile = score["action_units"]["AU12"]
    assert (smile["frames"], smile["positives"], smile["pairs_within_subject"]) == (36, 18, 18)
    assert 0 <= smile["auc_within_subject"] <= 1
    assert score["conditions"]["gender"]["groups"].keys() == {"female", "male"}
    assert set(score["leakage"].values()) == {0}
    assert copy.run(SCORE).nothing_done
    copy.configure(data={"bp4d": {"root": str(tmp_path)}})
    assert "points at drawn data" in copy.run(SCORE).output  # everything else stays apart


def test_without_it_the_way_to_it_is_said(copy: Workflow) -> None:
    output = copy.run(SCORE).output
    assert "london is not configured; set data.london.root to results/london, and it is fetched" in output
