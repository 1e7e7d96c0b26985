"""What a profile asks for, what a cluster has, and what the doctor says of the two. SLURM's commands are stand-ins
that print what the real ones print; tests/slurm asks the real ones."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from affectflow import config
from affectflow.cli import main
from affectflow.cluster import disk_space
from affectflow.cluster.doctor import ResourceRequirements, examine
from affectflow.cluster.node import MARKER, inspect_node
from affectflow.cluster.profile import OTHERS, read_requests
from affectflow.cluster.slurm import Partition, accounts, partitions
from affectflow.core.errors import UserError
from affectflow.plan import Plan
from affectflow.plan.resources import needs_of
from tests.conftest import DEMO, ROOT

PROFILES = ("slurm", "slurm-gres")
SINFO = "batch|up|2-00:00:00|64000+|(null)\\ngpu|up|4:00:00|128000|gpu:a100:4(S:0-1)\\ngpu|up|4:00:00|256000|gpu:2"
SINFO += "\\nold|down|30:00|8000|(null)\\nlong|up|infinite|8000|(null)"

Install = Callable[..., None]


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A function that puts stand-ins of commands first in the path, each a shell script's text."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def install(**texts: str) -> None:
        for name, text in texts.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)

    return install


@pytest.fixture
def slurm(commands: Install) -> Install:
    commands(
        sinfo=f"printf '{SINFO}\\n'",
        sacctmgr="printf 'faces\\nother\\n'",
        sbatch="exit 0",
        scontrol="echo 'MinJobAge               = 300 sec'",
    )
    return commands


def profile(folder: Path, **changes: object) -> Path:
    """A good one, with ``train_model``'s resources changed."""
    training = {"slurm_partition": "gpu", "runtime": 240, "mem_mb": "min(16000 * 2 ** (attempt - 1), 64000)"}
    text = {
        "executor": "slurm",
        "default-resources": {"slurm_account": "faces", "slurm_partition": "batch", "mem_mb": 2000, "runtime": 60},
        "set-resources": {"train_model": {**training, **changes}},
        "retries": 2,
    }
    (folder / "profile").mkdir()
    (folder / "profile/config.yaml").write_text(yaml.safe_dump(text))
    return folder / "profile"


REQUIREMENTS = ResourceRequirements({"resnet": 1, "vgg": 1}, (), 10)


def findings(path: Path, requirements: ResourceRequirements = REQUIREMENTS, wait_s: int = 0) -> list[str]:
    return [str(finding) for finding in examine(read_requests(path), requirements, wait_s)]


def wrong(path: Path, requirements: ResourceRequirements = REQUIREMENTS, wait_s: int = 0) -> list[str]:
    return [text.removeprefix("wrong: ") for text in findings(path, requirements, wait_s) if text.startswith("wrong: ")]


@pytest.mark.parametrize("name", PROFILES)
def test_shipped_profiles_ask_for_gpus_only_to_train(name: str) -> None:
    found = {request.rule: request for request in read_requests(ROOT / "profiles" / name)}
    assert found["train_model"].partition == "your_gpu_partition" and found["train_model"].mem_mb == 16000
    assert (
        found["train_model"].cpus_per_task == 8 and found["train_model"].time_min == found["train_model"].max_time_min
    )
    assert found["train_model"].gpus_in_gres() == (name == "slurm-gres")
    others = [request for rule, request in found.items() if rule != "train_model"]
    assert {(r.partition, r.account, r.gpus, r.gres) for r in others} == {
        ("your_cpu_partition", "your_account", None, "")
    }
    assert found[OTHERS].time_min == 60 and found[OTHERS].mem_mb == 2000
    assert found[OTHERS].max_time_min == 240 and found[OTHERS].max_mem_mb == 8000


def test_shipped_profiles_differ_in_gres_alone() -> None:
    one, other = (yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text()) for name in PROFILES)
    assert other["set-resources"]["train_model"].pop("gres") == "gpu:1"
    assert other["set-resources"]["train_model"].pop("gpu") == 0
    assert one == other


def test_a_profile_may_be_written_as_lists(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "executor: slurm\ndefault-resources: [slurm_partition=batch, mem_mb=500]\n"
        "set-resources: ['train_model:slurm_partition=gpu', 'train_model:gres=gpu:a100:2', 'train_model:mem_mb=threads']\n"
    )
    training, others = read_requests(tmp_path)
    assert (training.partition, training.gpus_in_gres(), training.mem_mb) == ("gpu", 2, None)
    assert (others.rule, others.partition, others.mem_mb) == (OTHERS, "batch", 500)


@pytest.mark.parametrize(
    "text, sentence",
    [("executor: local", "does not submit to SLURM"), ("a: [", "is not YAML"), (None, "cannot be read")],
)
def test_other_profiles_are_refused(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_requests(tmp_path)


def test_what_sinfo_says(slurm: Install) -> None:
    assert partitions() == {
        "batch": Partition("batch", True, 2880, 64000, 0),
        "gpu": Partition("gpu", True, 240, 256000, 4),
        "old": Partition("old", False, 30, 8000, 0),
        "long": Partition("long", True, None, 8000, 0),
    }
    assert accounts("me") == ["faces", "other"]


def test_no_slurm_and_a_silent_one(commands: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands(sinfo="echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match=r"does not answer \(slurm_load_partitions: Unable to contact"):
        partitions()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="not installed here; run this on the cluster's login node"):
        partitions()


def test_a_good_profile(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = findings(profile(tmp_path))
    assert found[0] == "ok: train_model: --account=faces --partition=gpu --mem=16000 --time=240 --nodes=1 --gpus=1"
    assert found[1] == "ok: all other rules: --account=faces --partition=batch --mem=2000 --time=60"
    assert found[2].startswith("ok: disk space for 10 images") and found[3].startswith("unknown: what nodes see")


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"slurm_partition": "your_gpu_partition"}, "slurm_partition is still 'your_gpu_partition'; put yours"),
        (
            {"slurm_partition": "gpus"},
            "There is no partition 'gpus', which the profile names; sinfo lists batch, gpu, old, long.",
        ),
        ({"slurm_account": "2026-1"}, "evaluates slurm_account 2026-1 as Python; write slurm_account: \"'2026-1'\""),
        ({"slurm_account": "open"}, "evaluates slurm_account open as Python"),
        ({"slurm_partition": "all"}, "evaluates slurm_partition all as Python"),
        ({"qos": "max"}, "evaluates qos max as Python"),
        ({"slurm_account": "'2026-1'"}, "You may not charge the account '2026-1'; yours are faces, other."),
        ({"slurm_account": "theirs"}, "You may not charge the account 'theirs'; yours are faces, other."),
        ({"runtime": 300}, "train_model requests 300 minutes, and partition gpu allows 240."),
        ({"mem_mb": 300000}, "train_model requests 300000 MB, and nodes of gpu have 256000 at most."),
        ({"runtime": "5h"}, "train_model requests 300 minutes, and partition gpu allows 240."),
        (
            {"runtime": "120 * attempt"},
            "train_model requests 360 minutes at its last attempt, and partition gpu allows",
        ),
        ({"slurm_partition": "gpu,gpus"}, "There is no partition 'gpus',"),
        ({"slurm_partition": "batch"}, "train_model requests 1 GPU in partition batch, and its nodes have none."),
        ({"gres": "gpu:8", "gpu": 0}, "requests 8 GPUs in partition gpu, and its nodes have 4 each at most."),
        ({"gres": "gpu:2", "gpu": 0}, "models.resnet.gpus is 1, and the profile requests gpu:2; set gres: gpu:1"),
        ({"gres": "gpu:3g.20gb:2", "gpu": 0}, "requests gpu:3g.20gb:2; set gres: gpu:3g.20gb:1 for train_model."),
    ],
)
def test_mistakes_in_plain_words(
    slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    found = wrong(profile(tmp_path, **changes))
    assert sentence in found[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"slurm_partition": "batch,gpu"},
        {"slurm_partition": "'gpu' if attempt == 1 else 'long'"},
        {"slurm_partition": "far", "clusters": "other"},
        {"gres": "gpu:2080ti:1", "gpu": 0},
        {"gres": "gpu:3g.20gb:1", "gpu": 0},
    ],
)
def test_what_slurm_takes_is_not_refused(
    slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert wrong(profile(tmp_path, **changes)) == []


def test_all_that_the_profile_asks_for_is_tried(
    slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = profile(tmp_path, qos="long", constraint="a100", cpus_per_task=6, slurm_extra="'--nice=10 --exclude=n1'")
    assert findings(asked)[0].endswith(
        "--cpus-per-task=6 --nodes=1 --gpus=1 --qos=long --constraint=a100 --nice=10 --exclude=n1"
    )


def test_a_cluster_that_forgets_jobs(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    slurm(scontrol="echo 'MinJobAge               = 90 sec'")
    assert "forgets ended jobs after 90 s (MinJobAge)" in wrong(profile(tmp_path))[0]


def test_a_partition_that_is_down(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = wrong(profile(tmp_path, slurm_partition="old", runtime=10, mem_mb=100))
    assert found[0] == "Partition old (train_model) is down; name another, or wait."


def test_what_else_slurm_refuses(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    slurm(sbatch="echo 'allocation failure: Job violates accounting/QOS policy' >&2; exit 1")
    assert "SLURM would refuse a job of train_model: allocation failure: Job violates" in wrong(profile(tmp_path))[0]


def test_several_gpus_for_one_model(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert findings(profile(tmp_path), ResourceRequirements({"resnet": 4, "vgg": 1}, (), 1))[0].endswith("--gpus=4")
    assert "requests 5 GPUs" in wrong(tmp_path / "profile", ResourceRequirements({"resnet": 5, "vgg": 1}, (), 1))[0]


def node_says(text: str) -> str:
    return f"""printf '%s\\n' 'TensorFlow greets' '{MARKER}{text}'"""


@pytest.mark.parametrize(
    "said, sentence",
    [
        ('{"host": "n7", "missing": ["/scratch/disfa"]}', "n7 (partition batch) does not see /scratch/disfa; put it"),
        ('{"host": "n7", "cuda": "", "gpus": 0}', "n7: TensorFlow is the build without CUDA; install the other"),
        ('{"host": "n7", "cuda": "12.5.1", "driver": "515.65.01"}', "the driver 515.65.01 is too old for CUDA 12.5.1"),
        ('{"host": "n7", "cuda": "12.5.1", "driver": "535.1.1"}', "TensorFlow sees 0 of 1 GPUs, with driver 535.1.1."),
        ('{"host": "n7", "cuda": "12.5.1"}', "TensorFlow sees 0 of 1 GPUs, and there is no driver (nvidia-smi)."),
    ],
)
def test_what_nodes_see(
    slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    slurm(srun=node_says(said))
    assert any(sentence in text for text in wrong(profile(tmp_path), wait_s=5))


def test_nodes_that_see_everything(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    slurm(srun=node_says('{"host": "n7", "cuda": "12.5.1", "gpus": 1, "driver": "550.54.14"}'))
    found = findings(profile(tmp_path), wait_s=5)
    assert not [text for text in found if not text.startswith("ok: ")]
    assert "ok: n7: TensorFlow sees 1 GPUs with driver 550.54.14 and CUDA 12.5.1" in found
    assert not list((tmp_path / "results").iterdir())


def test_a_folder_that_nodes_do_not_share(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in says of every path that it is not there."""
    monkeypatch.chdir(tmp_path)
    code = (
        'for last in "$@"; do :; done; printf \'%s\' "'
        + MARKER
        + '{\\"host\\": \\"n7\\", \\"missing\\": [\\"$last\\"]}"'
    )
    slurm(srun=code)
    assert any(
        f"n7 does not see {tmp_path / 'results'}; work in a folder" in t for t in wrong(profile(tmp_path), wait_s=5)
    )


def test_no_free_node_and_no_environment(slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    slurm(srun="echo 'srun: error: Unable to allocate resources: Requested nodes are busy' >&2; exit 1")
    found = findings(profile(tmp_path), wait_s=5)
    assert any(t.startswith("unknown: no node of partition gpu was free within 5 s") for t in found)
    slurm(srun=f"echo 'slurmstepd: error: execve(): {sys.executable}: No such file or directory' >&2; exit 2")
    assert f"cannot run {sys.executable}" in wrong(tmp_path / "profile", wait_s=5)[0]


def test_a_node_looks_for_paths(tmp_path: Path) -> None:
    assert inspect_node([tmp_path, tmp_path / "none"], with_gpus=False).missing == [str(tmp_path / "none")]


def test_too_little_room(commands: Install, tmp_path: Path) -> None:
    commands(quota="exit 1")
    assert disk_space.shortage(tmp_path / "results", 10) is None and disk_space.unknown_quota(tmp_path) == ""
    assert "take about 200,000,000 GB" in (disk_space.shortage(tmp_path, 10**12) or "")
    head = "Disk quotas for user me (uid 1000): \\n Filesystem blocks quota limit grace files quota limit grace\\n"

    def quota(cells: str) -> None:
        question = f'[ "$3" = --filesystem={tmp_path} ] || exit 1'
        commands(quota=f"{question}; printf '{head}/home {cells}\\n'")

    quota("900000* 800000 1000000 0 995 0 1000 0")
    assert disk_space.shortage(tmp_path, 5) is None
    assert "6 images are as many files, and your quota on /home takes 5 more" in (
        disk_space.shortage(tmp_path, 6) or ""
    )
    assert "your quota on /home has 0 GB left" in (disk_space.shortage(tmp_path, 1000) or "")
    quota("900000 0 0 0 995 0 1000 0")  # of files alone
    assert "your quota on /home takes 5 more" in (disk_space.shortage(tmp_path, 6) or "")


def test_what_a_configuration_needs(tmp_path: Path) -> None:
    table = tmp_path / "urls.csv"
    table.write_text("http://a.test/1.jpg\nhttp://a.test/2.jpg\n")
    (tmp_path / "disfa").mkdir()
    overlay = tmp_path / "mine.yaml"
    none = {name: {"root": None} for name in ("amfed", "affwild")}
    data = {
        "emotionet": {"tables": [str(table)]},
        "annotations": None,
        "disfa": {"root": str(tmp_path / "disfa")},
        **none,
    }
    mine = {"data": data, "download": {"nameservers": []}, "models": {"resnet": {"gpus": 4}}}
    overlay.write_text(yaml.safe_dump(mine))
    needs = needs_of(Plan(config.load(DEMO, overlay)))
    assert needs.gpus["resnet"] == 4 and needs.gpus["vgg"] == 1 and needs.images == 2
    assert list(needs.paths) == [table, tmp_path / "disfa"]


def test_the_command(
    slurm: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "config/config.yaml", tmp_path)
    words = ["doctor", "--configfile", "config.yaml", "--no-probe", "--profile"]
    main([*words, str(profile(tmp_path))])
    assert "ok: train_model: --account=faces" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main([*words, str(ROOT / "profiles/slurm")])
    said = capsys.readouterr()
    assert "wrong: slurm_account is still 'your_account'; put yours into the profile." in said.out
    assert "profiles/slurm would fail: 1 of the above is wrong." in said.err
