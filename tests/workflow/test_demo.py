"""The default configuration, as it ships; and everything that rule all makes, small."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, Workflow, free_ports

pytestmark = pytest.mark.long


def test_default_configuration_learns(tmp_path: Path) -> None:
    web, names = free_ports()
    (tmp_path / "config.yaml").write_text(
        f"download: {{nameservers: ['127.0.0.1:{names}']}}\ndemo: {{web_port: {web}, name_server_port: {names}}}\n"
    )
    workflow = Workflow(tmp_path)
    workflow.succeed("results/eval/disfa_resnet.json", "results/eval/affwild_resnet.json", timeout=3000)
    disfa = json.loads(workflow.path("eval/disfa_resnet.json").read_text())
    affwild = json.loads(workflow.path("eval/affwild_resnet.json").read_text())
    assert disfa["mean_auc"] >= 0.85
    assert disfa["mean_f1"] >= 0.55
    assert disfa["mean_f1"] >= 1.6 * disfa["mean_f1_always_yes"]
    assert affwild["valence"]["ccc"] >= 0.60
    assert disfa["synthetic"] is affwild["synthetic"] is True
    rows = {row["class"]: row for row in csv.DictReader(workflow.path("emotionet/download_summary.csv").open())}
    for name, row in rows.items():
        if name not in ("downloaded", "no route"):  # the latter cannot be had on loopback
            assert int(row["urls"]) > 0, name


def test_rule_all_and_report(workflow: Workflow) -> None:
    workflow.succeed(timeout=1800)
    summary = list(csv.DictReader(workflow.path("eval/summary.csv").open()))
    pairs = {(row["benchmark"], row["model"]) for row in summary}
    assert pairs == {
        (benchmark, model)
        for benchmark in ("disfa", "amfed", "affwild", "emotionet")
        for model in ("vgg", "resnet", "inception_resnet")
    }
    assert workflow.run().nothing_done
    workflow.succeed(options=("--report", "results/report.zip"))
    with zipfile.ZipFile(workflow.path("report.zip")) as archive:
        page = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("report.html"))
    for figure in workflow.path("figures").iterdir():
        assert figure.name in page
    for option, name in (("--dag", "dag.svg"), ("--rulegraph", "rulegraph.svg")):
        dot = subprocess.run(
            workflow.command(options=(option, "dot")),
            cwd=workflow.folder,
            env=workflow.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        out = workflow.path(name)
        program = [sys.executable, "-m", "affectflow.cli", "draw-graph", str(out)]
        subprocess.run(program, input=dot.stdout, text=True, check=True, cwd=ROOT)
        assert "train_model" in out.read_text()
