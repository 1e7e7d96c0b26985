"""Trainings beside each other on one machine's GPUs, which are pretended here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from affectflow.cluster import lease as leases
from affectflow.cluster.lease import VISIBLE, lease_cores, lease_gpus

_TRAINING = """
import logging, os, sys, time
from pathlib import Path
from affectflow.cluster.lease import lease_gpus
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
folder, count = Path(sys.argv[1]), int(sys.argv[2])
lease = lease_gpus(count, ["GPU-a", "GPU-b", "GPU-c"], folder)
assert os.environ["CUDA_VISIBLE_DEVICES"] == ",".join(lease.devices)
print(*lease.devices, flush=True)
sys.stdin.readline()
"""


def training(folder: Path, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _TRAINING, str(folder), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def says(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


def test_trainings_never_meet_and_wait_for_each_other(tmp_path: Path) -> None:
    first, second = training(tmp_path, 1), training(tmp_path, 2)
    taken = says(first), says(second)
    assert sorted([*taken[0], *taken[1]]) == ["GPU-a", "GPU-b", "GPU-c"]
    third = training(tmp_path, 2)
    assert says(third)[:2] == ["Waiting", "for"]
    second.kill()  # a killed training gives back what it had
    second.wait()
    assert sorted(says(third)) == sorted(taken[1])
    for process in (first, third):
        process.communicate("\n", timeout=10)
        assert process.returncode == 0


def test_as_many_as_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    lease = lease_gpus(8, folder=tmp_path)
    assert lease.devices == ("0", "1")
    lease.close()
    monkeypatch.setenv(VISIBLE, "0,1")
    first = lease_gpus(1, folder=tmp_path)
    assert first.devices == ("0",) and os.environ[VISIBLE] == "0"


def test_gpus_are_known_by_their_uuid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\nprintf '0, GPU-a\\n1, GPU-b\\n'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{driver.parent}:/usr/bin:/bin")
    monkeypatch.delenv(VISIBLE, raising=False)
    first = lease_gpus(1, folder=tmp_path)
    assert first.devices == ("GPU-a",)
    monkeypatch.setenv(VISIBLE, "0,1")  # the same GPUs by their numbers
    assert lease_gpus(1, folder=tmp_path).devices == ("GPU-b",)


def test_a_schedulers_jobs_do_not_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another job's GPU 0 is another GPU; within a job there is one of that number."""
    leases = []
    for job in ("7", "8"):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        for device in ("0", "1"):
            monkeypatch.setenv(VISIBLE, "0,1,2")
            leases.append(lease_gpus(1, folder=tmp_path))
            assert leases[-1].devices == (device,) and os.environ[VISIBLE] == device


def test_none_wanted_none_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "0")
    assert lease_gpus(0, folder=tmp_path).devices == ()
    assert os.environ[VISIBLE] == "-1"


def test_trainings_on_few_cores_keep_to_them_and_to_others_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_to: list[list[int]] = []
    monkeypatch.setattr(leases, "_load_of_cores", lambda: {0: 3.0, 1: 5.0, 2: 90.0})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: kept_to.append(list(cores)))
    first, second, third = (lease_cores(count, tmp_path) for count in (1, 1, 2))
    assert kept_to == [[0], [1], [2, 0]]  # of the last, one core is shared
    first.close()
    lease_cores(1, tmp_path).close()
    assert kept_to[3] == [0]
    lease_cores(3, tmp_path)
    lease_cores(0, tmp_path)
    assert len(kept_to) == 4, "whoever may use all cores is not limited"
    second.close()
    third.close()
