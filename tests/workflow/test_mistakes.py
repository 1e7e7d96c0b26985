"""A user's mistake gives one sentence and a failure, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Workflow

REAL = {"emotionet": {"tables": []}, "annotations": None, "affwild": {"root": None}, "amfed": {"root": None}}


@pytest.mark.parametrize(
    ("changes", "target", "sentence"),
    [
        (
            {"download": {"concurency": 3}},
            "all",
            "unknown key 'download.concurency'; did you mean 'download.concurrency'?",
        ),
        (
            {"models": {"resnet": {"training": {"learning_rat": 1}}}},
            "all",
            "did you mean 'models.resnet.training.learning_rate'?",
        ),
        ({"records": {"shards": 0}}, "all", "'records.shards' is wrong"),
        ({"data": {"disfa": {"root": "elsewhere/DISFA"}}}, "all", "data.disfa.root at real data (elsewhere/DISFA)"),
        (
            {"data": {"emotionet": {"tables": ["mine.xlsx"]}}},
            "all",
            "data.emotionet.tables[0] at real data (mine.xlsx)",
        ),
        ({"data": {"amfed": {"root": None}}}, "results/eval/amfed_resnet.json", "set data.amfed.root"),
        ({}, "results/eval/disfa_reznet.json", "no model 'reznet'"),
        ({}, "results/eval/disfa_resnet-seed7.json", "no run 'resnet-seed7'"),
        ({}, "results/eval/disfa_resnet-seeds.json", "resnet has one seed only; add others to models.resnet.seeds"),
        ({"models": {"grey_regression": {"weights": "imagenet"}}}, "all", "set models.grey_regression.weights to none"),
        (
            {"models": {"resnet": {"heads": ["action_units"]}}},
            "results/eval/affwild_resnet.json",
            "resnet learns action_units from its data and shares no label with affwild",
        ),
        ({"data": {"affwild": {"use": "train"}}}, "results/eval/affwild_resnet.json", "set data.affwild.use to split"),
        (
            {"data": REAL | {"disfa": {"root": "no/such/DISFA"}}},
            "all",
            "no/such/DISFA does not exist; correct data.disfa.root",
        ),
        ({"data": REAL}, "results/emotionet/labels.csv", "set data.emotionet.tables"),
        (
            {"data": REAL | {"emotionet": {"tables": ["config.yaml"]}, "disfa": {"root": None}}},
            "all",
            "download.nameservers names the demo's name server",
        ),
        ({"data": REAL}, "results/eval/disfa_resnet.json", "set data.emotionet.tables"),
        (
            {"faces": {"detector": "yunet", "model": {"path": "no/yunet.onnx"}}},
            "results/eval/disfa_resnet.json",
            "no/yunet.onnx does not exist; correct faces.model.path",
        ),
        ({"faces": {"detector": "yunnet"}}, "all", "'faces.detector' is wrong"),
        ({"faces": {"model": {"sha256": "abc"}}}, "all", "'faces.model.sha256' is wrong"),
    ],
)
def test_one_sentence(workflow: Workflow, changes: dict[str, Any], target: str, sentence: str) -> None:
    workflow.configure(**changes)
    result = workflow.run(target, options=("-n",))
    assert result.status != 0
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_unconfigured_sets_drop_out_with_a_line(workflow: Workflow) -> None:
    workflow.configure(data={"amfed": {"root": None}})
    result = workflow.succeed("all", options=("-n",))
    assert "Not configured, so left out: amfed" in result.output
    assert "amfed_resnet" not in result.output


def test_seeds_and_folds_are_runs_of_their_own(workflow: Workflow) -> None:
    workflow.configure(
        data=REAL | {"disfa": {"root": "results/demo/disfa"}},
        models={"resnet": {"train_on": ["disfa"], "heads": ["action_units"], "seeds": [3, 4]}},
    )
    result = workflow.succeed("all", options=("-n",))
    for run in ("resnet-disfa-fold1", "resnet-seed4-disfa-fold3"):
        assert {f"train_model {run}", f"score_model disfa {run}"} <= result.jobs
    assert "train_model vgg" not in result.jobs


def test_another_file_is_no_detector(workflow: Workflow) -> None:
    (workflow.folder / "yunet.onnx").write_bytes(b"something else")
    workflow.configure(faces={"detector": "yunet", "model": {"path": "yunet.onnx"}})
    result = workflow.run("results/faces/amfed.parquet")
    assert result.status != 0
    assert "failed: yunet.onnx has the SHA-256" in result.output
    assert not workflow.path("faces/amfed.parquet").exists()


def test_a_table_with_braces_in_its_name_is_one_sentence(workflow: Workflow) -> None:
    (workflow.folder / "mine").mkdir()
    (workflow.folder / "mine" / "{x}.csv").write_text("url,AU1\nhttp://x.test/,1\n")
    workflow.configure(
        data=REAL | {"emotionet": {"tables": ["mine"]}, "disfa": {"root": None}}, download={"nameservers": []}
    )
    result = workflow.run("results/emotionet/labels.csv", options=("-n",))
    assert result.status != 0 and "Traceback" not in result.output
    assert "affectflow: mine/{x}.csv (data.emotionet.tables) has braces" in result.output


def test_a_damaged_table_names_the_file(workflow: Workflow) -> None:
    (workflow.folder / "mine.xlsx").write_bytes(b"PK\x03\x04 cut off")
    nothing = {"root": None}
    workflow.configure(
        data={
            "emotionet": {"tables": ["mine.xlsx"]},
            "annotations": None,
            "disfa": nothing,
            "amfed": nothing,
            "affwild": nothing,
        },
        download={"nameservers": []},
    )
    result = workflow.run("results/emotionet/labels.csv")
    assert result.status != 0
    assert "failed: mine.xlsx cannot be read as a workbook" in result.output
    assert not workflow.path("emotionet/labels.csv").exists()
