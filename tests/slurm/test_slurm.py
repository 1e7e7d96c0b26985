"""The workflow on a real SLURM: three nodes on this machine, two with a pretended GPU."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from affectflow.cli import main
from tests.conftest import ROOT, Result, Workflow, new_workflow
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import Submitted

pytestmark = [pytest.mark.long, pytest.mark.privileged]

MODEL = "results/models/resnet/model.keras"
HEAVY = {"train_model", "write_records", "predict_benchmark", "write_frames"}


def rules_of(jobs: list[dict[str, str]]) -> set[str]:
    """The rules that some accounted jobs belong to, as their comments say."""
    return {match[1] for job in jobs if (match := re.match(r"rule_(.*?)(?:_wildcards_.*)?$", job["Comment"]))}


def jobs_of(cluster: Cluster, output: str, *columns: str) -> list[dict[str, str]]:
    """The accounted jobs of one run of snakemake."""
    name = re.search(r"SLURM run ID: (\S+)", output)
    assert name
    jobs = cluster.accounted("JobID", "JobName", "State", "NodeList", "Comment", "Start", "End", "ReqTRES", *columns)
    return [job for job in jobs if job["JobName"] == name[1]]


def test_two_trainings_have_a_node_each(trained: tuple[Submitted, Result], cluster: Cluster) -> None:
    workflow, result = trained
    score = json.loads(workflow.path("eval/disfa_resnet.json").read_text())
    assert score["benchmark"] == "disfa" and score["synthetic"] is True
    jobs = jobs_of(cluster, result.output)
    assert {job["State"] for job in jobs} == {"COMPLETED"} and rules_of(jobs) >= HEAVY
    assert "download_partition" not in rules_of(jobs)  # nodes have no internet
    trainings = [job for job in jobs if rules_of([job]) == {"train_model"}]
    assert sorted(job["Comment"] for job in trainings) == [f"rule_train_model_wildcards_{m}" for m in ("resnet", "vgg")]
    assert sorted(job["NodeList"] for job in trainings) == ["gpu1", "gpu2"]
    first, second = trainings
    assert max(first["Start"], second["Start"]) < min(first["End"], second["End"])
    assert {job["Comment"] for job in jobs if "gres/gpu=1" in job["ReqTRES"]} == {job["Comment"] for job in trainings}


def test_a_second_submission_submits_nothing(trained: tuple[Submitted, Result], cluster: Cluster) -> None:
    before = len(cluster.accounted("JobID"))
    assert trained[0].run("results/eval/disfa_resnet.json", "results/eval/disfa_vgg.json").nothing_done
    assert len(cluster.accounted("JobID")) == before


def test_gpus_by_gres_and_downloads_on_nodes(cluster: Cluster, tmp_path: Path) -> None:
    workflow = Submitted(new_workflow(tmp_path / "work").folder, ROOT)
    workflow.use_profile("slurm-gres", **{"# config: [": "config: ["})
    result = workflow.succeed("results/eval/disfa_resnet.json", timeout=900)
    assert json.loads(workflow.path("eval/disfa_resnet.json").read_text())["model"] == "resnet"
    jobs = jobs_of(cluster, result.output)
    assert {job["State"] for job in jobs} == {"COMPLETED"}
    assert [rules_of([job]) for job in jobs if "gres/gpu=1" in job["ReqTRES"]] == [{"train_model"}]
    arrays = [job for job in jobs if "_" in job["JobID"]]
    assert rules_of(arrays) == {"download_partition", "write_records"} and len(arrays) == 4


def _lengthen(workflow: Workflow, epochs: int) -> None:
    workflow.configure(training={"epochs": epochs, "patience": epochs})


def test_killed_by_its_limit_and_requeued_before_it_ends_with_the_same_bytes(
    copied: Submitted, cluster: Cluster, tmp_path: Path
) -> None:
    """Once SLURM's limit comes early, and takes an attempt of the workflow's; after that the training's own clock is
    earlier, and it goes back into the queue."""
    epochs = 12
    _lengthen(copied, epochs)
    copied.use_profile("slurm", **{"runtime: 240": "runtime: 1"})
    started = copied.start(MODEL)
    state = copied.path("state/training/resnet")
    training = "rule_train_model_wildcards_resnet"

    def jobs(*states: str) -> list[str]:
        return [job["id"] for job in cluster.queued() if job["rule"] == training and job["state"] in states]

    started.wait_for(lambda: jobs("RUNNING"), "the training")
    (first,) = jobs("RUNNING")
    log = copied.path("logs/train_model/resnet.log")
    started.wait_for(lambda: log.exists() and "epoch 1/" in log.read_text(), "its first epoch")
    cluster.limit(first, seconds=1)
    result = started.finish(timeout=900)
    assert result.status == 0, result.output[-6000:]
    runs = [job for job in jobs_of(cluster, result.output) if job["Comment"] == training]
    states = [job["State"] for job in runs]
    assert states[0] == "TIMEOUT" and "REQUEUED" in states and states[-1] == "COMPLETED", states
    assert set(states) == {"TIMEOUT", "REQUEUED", "COMPLETED"}
    assert "Training goes on after step" in log.read_text() and state.exists()
    alone = Workflow(copied.folder.with_name("alone"), ROOT)
    _copy_of(copied, alone)
    alone.succeed(MODEL, timeout=900)
    assert (alone.folder / MODEL).read_bytes() == (copied.folder / MODEL).read_bytes()


def _copy_of(workflow: Workflow, other: Workflow) -> None:
    import shutil

    shutil.copytree(workflow.folder, other.folder)
    shutil.rmtree(other.path("models/resnet"))
    shutil.rmtree(other.path("state/training/resnet"))


def test_a_node_that_goes_down_costs_only_time(copied: Submitted, cluster: Cluster) -> None:
    _lengthen(copied, 4)
    started = copied.start(MODEL)
    log = copied.path("logs/train_model/resnet.log")

    def where() -> str:
        found = [job for job in cluster.queued() if "train_model" in job["rule"] and job["state"] == "RUNNING"]
        return found[0]["node"] if found else ""

    try:
        started.wait_for(lambda: where() and log.exists() and "epoch 1/" in log.read_text(), "the first epoch")
        node = where()
        cluster.set_node(node, "down")
        result = started.finish(timeout=600)
    finally:
        cluster.set_node(node, "resume")
    assert result.status == 0, result.output[-6000:]
    runs = [job for job in jobs_of(cluster, result.output) if "train_model" in job["Comment"]]
    assert runs[-1]["State"] == "COMPLETED" and {job["NodeList"] for job in runs} == {"gpu1", "gpu2"}
    cluster.wait_until_idle()


def test_an_unknown_partition_is_one_sentence(copied: Submitted, cluster: Cluster) -> None:
    _lengthen(copied, 2)
    copied.use_profile("slurm", your_gpu_partition="gpus")
    before = len(cluster.accounted("JobID"))
    began = time.monotonic()
    result = copied.run(MODEL)
    assert result.status == 1 and time.monotonic() - began < 30
    sentence = "There is no partition 'gpus' (train_model); sinfo knows cpu, gpu."
    assert sum(sentence in line for line in result.output.splitlines()) == 1
    assert "Traceback" not in result.output and "sbatch" not in result.output
    assert len(cluster.accounted("JobID")) == before


def test_the_doctor_on_a_cluster(
    copied: Submitted, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is well but for the GPUs, which are pretended."""
    monkeypatch.chdir(copied.folder)
    words = [
        "doctor",
        "--config",
        str(ROOT / "config/config.yaml"),
        "--configfile",
        "config.yaml",
        "--profile",
        "profile",
    ]
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capfd.readouterr()
    assert ended.value.code == 1 and "profile would not do: 1 of the above is wrong." in said.err
    findings = said.out.splitlines()
    assert "ok: train_model: --account=faces --partition=gpu --mem=4000 --time=240 --gpus=1" in findings
    assert any(
        re.fullmatch(r"ok: \S+ \(partition cpu\) sees the environment and all data\.", line) for line in findings
    )
    (wrong,) = (line for line in findings if line.startswith("wrong: "))
    assert "TensorFlow is the build without CUDA" in wrong
    copied.use_profile("slurm", your_account="nobody")
    with pytest.raises(SystemExit):
        main([*words, "--no-probe"])
    assert "You may not charge the account 'nobody' (train_model); yours are faces." in capfd.readouterr().out
