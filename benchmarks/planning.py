"""How long the workflow thinks: until its Snakefile is read, its plan is made, its first job is submitted, or until it
finds that there is nothing to do.

``make bench-planning`` (about five minutes) runs snakemake on the drawn data, each figure the median of some runs, two
of them beside the same question about a Snakefile of one rule. The first submission is to a SLURM on this machine,
where it is installed and the user is root.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.conftest import ROOT, free_ports
from tests.slurm.cluster import ACCOUNT, missing, running

_TARGET = "results/eval/disfa_resnet.json"
_ONE_RULE = "rule only:\n    output: 'only.txt'\n    shell: 'touch {output}'\n"
_SUBMITTED = "has been submitted with SLURM jobid"


def _configure(folder: Path, partitions: int, **more: Any) -> None:
    tiny = yaml.safe_load((ROOT / ".test/config/config.yaml").read_text())
    web, names = free_ports()
    tiny["download"] |= {"partitions": partitions, "nameservers": [f"127.0.0.1:{names}"]}
    tiny["demo"] |= {"web_port": web, "name_server_port": names, "images": max(120, partitions)}
    (folder / "config.yaml").write_text(yaml.safe_dump({**tiny, **more}))


def _ours(*words: str, slurm: bool = False) -> list[str]:
    default = str(ROOT / "profiles/default")
    where = ["--workflow-profile", default, "--profile", "profile"] if slurm else ["--profile", default, "--cores", "2"]
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *where]
    return [*start, "--configfile", str(ROOT / "config/config.yaml"), "config.yaml", *words]


def _other(*words: str) -> list[str]:
    return [sys.executable, "-m", "snakemake", "--snakefile", "one_rule.smk", "--cores", "2", *words]


def _seconds(command: Sequence[str], folder: Path, until: str = "") -> float:
    """To the command's end, or to a line that holds ``until``, when it is ended."""
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if until and until in line:
                found = time.perf_counter() - began
                process.terminate()
                process.communicate(timeout=120)
                return found
    if process.returncode or until:
        raise SystemExit(f"{' '.join(command)} ended with status {process.returncode}:\n{''.join(said)[-3000:]}")
    return time.perf_counter() - began


def _median(command: Sequence[str], folder: Path, rounds: int) -> float:
    return statistics.median(_seconds(command, folder) for _ in range(rounds))


def _first_submission(folder: Path, rounds: int) -> float:
    (folder / "profile").mkdir()
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    for old, new in (("your_account", ACCOUNT), ("your_cpu_partition", "cpu"), ("your_gpu_partition", "gpu")):
        profile = profile.replace(old, new)
    (folder / "profile/config.yaml").write_text(profile)
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)):
        found = []
        for _ in range(rounds):
            found.append(_seconds(_ours("--", _TARGET, slurm=True), folder, until=_SUBMITTED))
            subprocess.run(_ours("--unlock", "--", _TARGET), cwd=folder, capture_output=True, check=True)
    return statistics.median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "one_rule.smk").write_text(_ONE_RULE)
        _configure(folder, 4)
        ours, other = (_median(make("--list-rules"), folder, rounds) for make in (_ours, _other))
        print(f"Snakefile read: {ours:.2f} s, one rule {other:.2f} s; difference {ours - other:.2f} s (wanted < 1)")
        _configure(folder, 1000)
        ours, other = (_median(make("--dry-run", "--quiet"), folder, rounds) for make in (_ours, _other))
        print(f"planning of 1,000 partitions: {ours:.1f} s, one rule {other:.1f} s (wanted <= 10)", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _configure(folder, 256)
        if reason := missing():
            print(f"first submission: not measured ({reason})")
        else:
            print(
                f"first submission, 256 partitions: {_first_submission(folder, rounds):.1f} s (wanted <= 6)", flush=True
            )
        took = _seconds(_ours("--", _TARGET), folder)
        again = _median(_ours("--", _TARGET), folder, rounds)
        print(f"256 partitions done in {took:.0f} s, and found done in {again:.1f} s (wanted <= 8)")


if __name__ == "__main__":
    main()
