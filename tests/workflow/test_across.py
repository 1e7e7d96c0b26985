"""A model that is trained without each of its data sets in turn, and scored on that one."""

from __future__ import annotations

import csv

import pytest

from tests.conftest import Workflow

TABLE = "results/eval/across_resnet.csv"
BOTH = {
    "models": {"resnet": {"train_on": ["emotionet", "affwild"]}},
    "data": {"affwild": {"use": "split"}},
    "demo": {"affwild_videos": 12},
}


def test_each_data_set_is_left_out_once(copy: Workflow) -> None:
    copy.configure(**BOTH)
    planned = copy.run(TABLE, options=("-n",))
    runs = ("resnet", "resnet-without-emotionet", "resnet-without-affwild")
    assert {job for job in planned.jobs if job.startswith("train_model")} == {f"train_model {run}" for run in runs}
    copy.configure(models={"resnet": {"train_on": ["emotionet"]}})
    refused = copy.run(TABLE, options=("-n",))
    assert refused.status and "too few data sets to leave one out and score on it" in refused.output


@pytest.mark.long
def test_the_scores_say_what_was_learned_from(copy: Workflow) -> None:
    copy.configure(**BOTH)
    copy.succeed(TABLE)
    rows = {(row["model"], row["tested_on"]): row for row in csv.DictReader(copy.path("eval/across_resnet.csv").open())}
    learned = {key: (row["trained_on"], row["within_set"]) for key, row in rows.items()}
    assert learned == {
        ("resnet-without-emotionet", "emotionet"): ("affwild", "false"),
        ("resnet-without-affwild", "affwild"): ("emotionet", "false"),
        ("resnet", "emotionet"): ("affwild emotionet", "true"),
        ("resnet", "affwild"): ("affwild emotionet", "true"),
    }
    assert all(row["valence_ccc"] for row in rows.values())
    assert not rows["resnet-without-emotionet", "emotionet"]["mean_f1"]  # it learned no AUs
    assert copy.run(TABLE).output.count("Nothing to be done") == 1
