"""A study from an empty folder, with the wheel alone, as a new user would make it."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pyarrow.parquet as pq
import pytest
import yaml

from tests.conftest import DETECTOR, PHOTOGRAPHS, ROOT, Result, needs_faces
from tests.workflow.conftest import copy_code
from tests.workflow.photographs import FRAMES, photographs, served, write_disfa, write_spreadsheet

pytestmark = [pytest.mark.long, needs_faces]
MAIN = "results/eval/disfa_resnet.json"


class _Web(SimpleHTTPRequestHandler):
    asked: ClassVar[list[str]] = []
    """Paths that were asked for."""

    def log_message(self, *_: object) -> None:
        self.asked.append(self.path)


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that has affectflow from a wheel of the tree, and the other packages from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = copy_code(folder / "tree")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    quiet = {"check": True, "capture_output": True, "timeout": 300}
    wheels = folder / "wheels"
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(tree)],
        **quiet,  # type: ignore[call-overload]
    )
    shutil.rmtree(tree)  # a study needs no clone
    environment = folder / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], **quiet)  # type: ignore[call-overload]
    python = environment / "bin" / "python"
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], **quiet)  # type: ignore[call-overload]
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        text=True,
        **quiet,  # type: ignore[call-overload]
    ).stdout.strip()
    # Its own .pth files, such as that of the editable install, are not read from there.
    (Path(purelib) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = environment / "bin" / "snakemake"
    program.write_text(f"#!{python}\nimport sys\nfrom snakemake.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    return environment / "bin"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The photographs on a loopback web."""
    with served(PHOTOGRAPHS, _Web) as found:
        yield found


@dataclass
class User:
    """Someone with a shell in a folder; what each step took is kept."""

    folder: Path
    programs: Path
    steps: list[str] = field(default_factory=list)

    def run(self, *words: str, status: int = 0, timeout: float = 900) -> Result:
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "AFFECTFLOW_WARM")}
        environment = {**kept, "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}"}
        began = time.monotonic()
        process = subprocess.run(
            words,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout,
        )
        result = Result(process.returncode, process.stdout)
        self.steps.append(f"{time.monotonic() - began:6.1f} s, {len(result.jobs):3} jobs: {' '.join(words)[:100]}")
        assert process.returncode == status, process.stdout[-6000:]
        return result

    def snakemake(self, *targets: str, options: tuple[str, ...] = (), **keywords: Any) -> Result:
        return self.run("snakemake", "--cores", "2", *options, "--", *targets, **keywords)

    def configure(self, **changes: Any) -> None:
        path = self.folder / "config.yaml"
        values = yaml.safe_load(path.read_text())
        for section, keys in changes.items():
            values[section] = {**values.get(section, {}), **keys}
        path.write_text(yaml.safe_dump(values))


def _edit(table: Path, row: int, column: int, value: object) -> None:
    workbook = openpyxl.load_workbook(table)
    workbook.active.cell(row, column, value)
    workbook.save(table)


def _append(table: Path, *cells: object) -> None:
    workbook = openpyxl.load_workbook(table)
    workbook.active.append(cells)
    workbook.save(table)


def _trace(folder: Path, manifest: Path, annotator: str, shift: float) -> None:
    """A trace of both dimensions for every annotation video."""
    frames: dict[str, int] = {}
    for row in csv.DictReader(manifest.read_text().splitlines()):
        frames[row["annotation_video"]] = frames.get(row["annotation_video"], 0) + 1
    (folder / annotator).mkdir(parents=True)
    for number, count in frames.items():
        for dimension in ("valence", "arousal"):
            lines = (f"{((7 * i) % 11) / 11 - 0.5 + shift:.3f}" for i in range(count))
            name = f"video_{int(number):03d}_{dimension}.txt"
            (folder / annotator / name).write_text("\n".join(lines) + "\n")


def test_a_study_from_nothing(bin_folder: Path, address: str, tmp_path: Path) -> None:
    home = tmp_path / "my home"  # with a blank
    home.mkdir()
    user = User(home, bin_folder)
    assert re.fullmatch(r"affectflow \d+\.\d+\.\d+\n", user.run("affectflow", "--version").output)

    # What she has: a spreadsheet, DISFA, and photographs of her own.
    write_spreadsheet(home / "data/faces.xlsx", address)
    write_disfa(home / "data/DISFA", persons=8)
    own = home / "data/mine"
    own.mkdir(parents=True)
    rows = photographs()[:40]
    for row in rows:
        shutil.copy(PHOTOGRAPHS / row["file"], own)
    lines = (f"{row['file']},{row['smiling']},{row['person']}\n" for row in rows)
    (own / "labels.csv").write_text("image,AU12,subject\n" + "".join(lines))
    for path, name in (("data/faces.xlsx", "emotionet"), ("data/DISFA", "disfa"), ("data/mine", "own")):
        assert f"{path} is {name}" in user.run("affectflow", "inspect", path).output

    words = ("--emotionet", "data/faces.xlsx", "--disfa", "data/DISFA", "--own", "data/mine", "--weights", "none")
    assert MAIN in user.run("affectflow", "init", "my-study", *words).output
    user.folder = home / "my-study"
    # Her web is here, her detector is a copy, and two cores train a small model.
    user.configure(
        download={"allow_private_hosts": ["127.0.0.1"], "rate_per_host": 0},
        faces={"model": {"path": str(DETECTOR)}},
        records={"image_size": 48, "shards": 2, "validation_fraction": 0.2, "test_fraction": 0.2},
        models={
            "resnet": {
                **{"backbone": "grey_pixels", "top": "flat", "input_size": 32, "weights": "none"},
                "train_on": ["emotionet", "own"],
                "seeds": [0],
            }
        },
        training={"epochs": 2, "batch_size": 16},
    )
    first = user.snakemake(MAIN)
    print(first.output)
    assert "collect_ledger: 102 of 102 images" in first.output and "train_model resnet: " in first.output
    assert not {job for job in first.jobs if "vgg" in job or "draw" in job}
    score = json.loads((user.folder / MAIN).read_text())
    assert score["synthetic"] is False and score["protocol"]["frames"] == 2 * FRAMES * 8
    assert user.snakemake(MAIN).nothing_done

    # Mistakes.
    said = user.snakemake("results/evl/disfa_resnet.json", options=("-n",), status=1).output
    assert f"did you mean {MAIN}?" in said
    assert (
        "made from your data"
        in user.run(*("snakemake", "--cores", "2", "-n", "--snakefile", _packaged(user), "--", MAIN), status=1).output
    )

    # A label is corrected: no image is fetched again.
    _Web.asked.clear()
    _edit(home / "data/faces.xlsx", 2, 13, 1)
    corrected = user.snakemake(MAIN)
    assert "train_model" in corrected.rules_run and not _Web.asked
    assert not corrected.rules_run & {"find_dataset_faces", "write_frames"}
    assert user.snakemake(MAIN).nothing_done

    # A row is added.
    again = f"{photographs()[0]['file']}?again"
    _append(home / "data/faces.xlsx", f"{address}/{again}", *(0 if unit == 12 else 999 for unit in range(1, 61)))
    user.snakemake(MAIN)
    assert [path for path in _Web.asked if path != "/"] == [f"/{again}"]
    ledger = pq.read_table(user.folder / "results/emotionet/ledger.parquet").to_pylist()
    assert len(ledger) == 103 and {row["outcome"] for row in ledger} == {"ok"}

    # A subject is added: only the new one's faces are searched.
    write_disfa(home / "data/DISFA", persons=9)
    user.snakemake(MAIN)
    assert json.loads((user.folder / MAIN).read_text())["protocol"]["subjects"] == 9

    # Two annotators.
    manifest = user.folder / "results/annotation/manifest.csv"
    user.snakemake("results/annotation/manifest.csv")
    for annotator, shift in (("anna", 0.0), ("ben", 0.05)):
        _trace(user.folder / "annotations", manifest, annotator, shift)
    user.configure(data={"annotations": "annotations"})
    user.snakemake("results/emotionet/valence_arousal.csv")
    annotators = list(csv.DictReader((user.folder / "results/emotionet/annotators.csv").read_text().splitlines()))
    assert {row["annotator"] for row in annotators} == {"anna", "ben"}
    user.snakemake(MAIN, "results/report/overview.html")
    user.run("snakemake", "--report", "report.zip", "--", MAIN)

    # Elsewhere: prediction of DISFA's videos, by command and from Python, and a score of the table.
    shutil.move(user.folder / "results/models/resnet", home / "model")
    user.folder = home
    videos = "data/DISFA/Videos_LeftCamera"
    predict = ("affectflow", "predict", videos, "--model", "model", "--out", "p.csv")
    quiet = user.run(*predict).output
    assert "oneDNN" not in quiet and "Traceback" not in quiet
    scored = user.run(
        *("affectflow", "score", "p.csv", "--benchmark", "disfa", "--root", "data/DISFA", "--out", "s.json")
    ).output
    assert "affectflow predict by" in scored
    assert json.loads((home / "s.json").read_text())["protocol"]["used_frames"] == 2 * FRAMES * 9
    program = (
        "import affectflow, sys\n"
        "table = affectflow.load('model').predict(sys.argv[1])\n"
        "print(len(table), table['face'][0])"
    )
    photograph = str(PHOTOGRAPHS / photographs()[0]["file"])
    told = user.run(str(bin_folder / "python"), "-c", program, photograph).output
    assert told.strip().endswith("1 1")
    user.run("affectflow", "crop", photograph, "--out", "crops", "--detector", str(DETECTOR))
    print("\n".join(user.steps))


def _packaged(user: User) -> str:
    program = "from affectflow.study import SNAKEFILE; print(SNAKEFILE)"
    found = user.run(str(user.programs / "python"), "-c", program).output.strip()
    assert str(user.programs.parent) in found  # the wheel's, not the tree's
    return found
