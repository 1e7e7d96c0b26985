"""The workflow on a real SLURM: three nodes on this machine, two with a pretended GPU."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from affectflow.cli import main
from tests.conftest import ROOT, Result, Workflow
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import Submitted, drawn

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
    data = ("results/demo/emotionet/routes.json", "results/faces/disfa.parquet", "results/leakage/disfa.parquet")
    workflow = Submitted(drawn(tmp_path, *data), ROOT)
    workflow.use_profile("slurm-gres", **{"# config: [": "config: ["})
    result = workflow.succeed("results/eval/disfa_resnet.json", timeout=900)
    assert json.loads(workflow.path("eval/disfa_resnet.json").read_text())["model"] == "resnet"
    jobs = jobs_of(cluster, result.output)
    assert {job["State"] for job in jobs} == {"COMPLETED"}
    assert [rules_of([job]) for job in jobs if "gres/gpu=1" in job["ReqTRES"]] == [{"train_model"}]
    downloads = [job for job in jobs if rules_of([job]) == {"download_partition"}]
    assert [job["NodeList"] for job in downloads] == ["cpu1", "cpu1"]


def _lengthen(workflow: Workflow, epochs: int) -> None:
    workflow.configure(training={"epochs": epochs, "patience": epochs})


def _runs(cluster: Cluster, result: Result) -> list[dict[str, str]]:
    """Every time that the training was on a node."""
    return [job for job in jobs_of(cluster, result.output) if job["Comment"] == "rule_train_model_wildcards_resnet"]


def _log(workflow: Workflow) -> str:
    path = workflow.path("logs/train_model/resnet.log")
    return path.read_text() if path.exists() else ""


EPOCHS = 24
"""So that a training lasts longer than the half of a limit of one minute that it uses, on a fast machine too."""


@pytest.fixture(scope="module")
def undisturbed(trained: tuple[Submitted, Result], tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model of a training that nobody interrupts, on no cluster."""
    folder = tmp_path_factory.mktemp("undisturbed") / "work"
    shutil.copytree(trained[0].folder, folder)
    workflow = Workflow(folder, ROOT)
    _lengthen(workflow, EPOCHS)
    workflow.succeed(MODEL, timeout=900)
    return (folder / MODEL).read_bytes()


def test_a_limit_shorter_than_the_training(copied: Submitted, cluster: Cluster, undisturbed: bytes) -> None:
    """It saves before its time is over, waits in the queue again, and ends with the same bytes; no attempt is used."""
    _lengthen(copied, EPOCHS)
    copied.use_profile("slurm", **{"runtime: 240": "runtime: 1", "retries: 2": "retries: 0"})
    with copied.started(MODEL) as run:
        run.wait_for(lambda: any(int(job["restarts"] or 0) for job in cluster.queued()), "a second try")
        cluster.extend()  # or a slow machine would need many tries
        result = run.finish(timeout=900)
    assert result.status == 0, result.output[-6000:]
    states = [job["State"] for job in _runs(cluster, result)]
    assert len(states) > 1 and set(states[:-1]) == {"REQUEUED"} and states[-1] == "COMPLETED"
    assert result.output.count("has been submitted") == 1
    assert "Resuming training after step" in _log(copied)
    assert (copied.folder / MODEL).read_bytes() == undisturbed


def test_killed_by_slurm_at_its_limit(copied: Submitted, cluster: Cluster, undisturbed: bytes) -> None:
    """An administrator lets the time end early; the workflow submits it again, and it ends with the same bytes."""
    _lengthen(copied, EPOCHS)
    with copied.started(MODEL) as run:
        run.wait_for(lambda: f"epoch 1/{EPOCHS}" in _log(copied), "the first epoch")
        (job,) = (job["id"] for job in cluster.queued() if "train_model" in job["rule"])
        cluster.end(job)
        result = run.finish(timeout=900)
    assert result.status == 0, result.output[-6000:]
    assert [job["State"] for job in _runs(cluster, result)] == ["TIMEOUT", "COMPLETED"]
    assert "Resuming training after step" in _log(copied)
    assert (copied.folder / MODEL).read_bytes() == undisturbed


def test_a_node_that_goes_down_costs_only_time(copied: Submitted, cluster: Cluster) -> None:
    _lengthen(copied, 6)
    with copied.started(MODEL) as run:
        run.wait_for(lambda: "epoch 1/6" in _log(copied), "the first epoch")
        (node,) = (job["node"] for job in cluster.queued() if "train_model" in job["rule"])
        cluster.set_node(node, "down")
        try:
            result = run.finish(timeout=600)
        finally:
            cluster.set_node(node, "resume")
    assert result.status == 0, result.output[-6000:]
    runs = _runs(cluster, result)
    assert runs[-1]["State"] == "COMPLETED" and {job["NodeList"] for job in runs} == {"gpu1", "gpu2"}


def test_a_mistake_of_the_users_is_tried_once(copied: Submitted, cluster: Cluster) -> None:
    """One job, whatever the profile says of retries, and one run in it."""
    copied.configure(models={"resnet": {"train_layers": "no_such_layer"}})
    result = copied.run(MODEL, timeout=900)
    assert result.status == 1 and "Traceback" not in result.output
    runs = _runs(cluster, result)
    assert [job["State"] for job in runs] == ["FAILED"]
    logs = [path.read_text() for path in copied.path("logs/slurm/rule_train_model/resnet").iterdir()]
    assert {text.count("has no layer 'no_such_layer'") for text in logs} == {1}


def test_an_unknown_partition_is_one_sentence(copied: Submitted, cluster: Cluster) -> None:
    _lengthen(copied, 2)
    copied.use_profile("slurm", your_gpu_partition="gpus")
    before = len(cluster.accounted("JobID"))
    result = copied.run(MODEL)
    assert result.status == 1
    sentence = "There is no partition 'gpus', which the profile names; sinfo lists cpu, gpu."
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
        "--configfile",
        str(ROOT / "config/config.yaml"),
        "--configfile",
        "config.yaml",
        "--profile",
        "profile",
    ]
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capfd.readouterr()
    assert ended.value.code == 1 and "profile would fail: 1 of the above is wrong." in said.err
    findings = said.out.splitlines()
    assert (
        "ok: train_model: --account=faces --partition=gpu --mem=4000 --time=240 --cpus-per-task=2 --nodes=1 --gpus=1"
        in findings
    )
    assert any(re.fullmatch(r"ok: \S+ \(partition cpu\) sees \S+ and all data\.", line) for line in findings)
    (wrong,) = (line for line in findings if line.startswith("wrong: "))
    assert "TensorFlow is the build without CUDA" in wrong
    copied.use_profile("slurm", your_account="nobody")
    with pytest.raises(SystemExit):
        main([*words, "--no-probe"])
    assert "You may not charge the account 'nobody'; yours are faces" in capfd.readouterr().out
