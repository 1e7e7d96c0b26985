"""A cluster for the whole session, and workflows that are submitted to it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.conftest import ROOT, Result, Workflow, new_workflow
from tests.slurm.cluster import ACCOUNT, Cluster, missing, running

_PATIENCE_S = 300
# The executor looks after its jobs ever more rarely, 10 s more each time that none has ended.
_IMPATIENT = """
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor as Executor
patient = Executor.next_seconds_between_status_checks
Executor.next_seconds_between_status_checks = property(lambda self: min(patient.fget(self), 3), patient.fset)
from snakemake.cli import main
main()
"""


@dataclass(frozen=True)
class Submitted(Workflow):
    """The workflow under a profile of this repository's, with account and partitions filled in as a user does."""

    warm: bool = False

    def program(self, forked: bool) -> tuple[str, ...]:
        return "-c", _IMPATIENT

    def machine(self) -> tuple[str, ...]:
        default = str(self.root / "profiles" / "default")
        return "--workflow-profile", default, "--profile", str(self.folder / "profile")

    def use_profile(self, name: str, **changes: str) -> None:
        """Copy a profile and replace texts in it; waiting is cut short, for all three nodes are one machine."""
        text = (self.root / "profiles" / name / "config.yaml").read_text()
        replacements = {
            "your_account": ACCOUNT,
            "your_cpu_partition": "cpu",
            "your_gpu_partition": "gpu",
            "min(16000 ": "min(4000 ",
            "latency-wait: 60 ": "latency-wait: 15 ",
            "status-checks: 20": "status-checks: 7",
            **changes,
        }
        for old, new in replacements.items():
            assert old in text, old
            text = text.replace(old, new)
        target = self.folder / "profile" / "config.yaml"
        target.parent.mkdir(exist_ok=True)
        target.write_text(text + "set-threads: {train_model: 2}\n")

    @contextmanager
    def started(self, *targets: str) -> Iterator[Started]:
        """In the background, and ended with the block."""
        log = self.folder / "output.txt"
        process = self.popen(*targets, output=log)
        try:
            yield Started(process, log)
        finally:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Started:
    """A run of snakemake that goes on."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, sign: Callable[[], object], what: str) -> None:
        """Until there is a sign; fails where the run ends before."""
        end = time.monotonic() + _PATIENCE_S
        while not sign():
            assert self.process.poll() is None, f"ended before {what}:\n{self.log.read_text()[-6000:]}"
            assert time.monotonic() < end, f"{what} did not come:\n{self.log.read_text()[-6000:]}"
            time.sleep(0.2)

    def finish(self, timeout: float = _PATIENCE_S) -> Result:
        self.process.wait(timeout)
        return Result(self.process.returncode, self.log.read_text())


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    reason = missing()
    if reason:
        pytest.skip(f"no SLURM: {reason}")
    with running(tmp_path_factory.mktemp("slurm")) as started:
        yield started


def drawn(folder: Path, *targets: str) -> Path:
    """A working folder in which some targets are made already, on no cluster; its trainings take some time."""
    workflow = new_workflow(folder / "work")
    workflow.configure(models={"resnet": {"backbone": "vgg16", "top": "pooled"}})
    workflow.succeed(*targets)
    return workflow.folder


@pytest.fixture(scope="session")
def trained(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Submitted, Result]:
    """Two models trained and scored on the cluster, GPUs asked for by their number. Not to be changed: copy it."""
    data = ("results/emotionet/samples.parquet", "results/faces/disfa.parquet", "results/leakage/disfa.parquet")
    workflow = Submitted(drawn(tmp_path_factory.mktemp("trained"), *data), ROOT)
    workflow.use_profile("slurm")
    targets = [f"results/eval/disfa_{model}.json" for model in ("resnet", "vgg")]
    return workflow, workflow.succeed(*targets, timeout=900)


@pytest.fixture
def copied(trained: tuple[Submitted, Result], cluster: Cluster, tmp_path: Path) -> Iterator[Submitted]:
    shutil.copytree(trained[0].folder, tmp_path / "work")
    yield replace(trained[0], folder=tmp_path / "work")
    cluster.clear()
