"""The default configuration, as it ships; and everything that rule all makes, small."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser import CHROMIUM, MISSING, broken_images, visit
from tests.conftest import ROOT, Workflow, free_ports, new_workflow
from tests.docs.pages import blocks, looks_like

pytestmark = pytest.mark.long


MODELS = ("vgg", "resnet", "inception_resnet")
BASELINES = ("label_frequency", "grey_regression")


def test_default_configuration_learns(tmp_path: Path) -> None:
    """And beats the frequency of labels and logistic regression on grey pixels by a wide margin."""
    web, names = free_ports()
    (tmp_path / "config.yaml").write_text(
        f"download: {{nameservers: ['127.0.0.1:{names}']}}\ndemo: {{web_port: {web}, name_server_port: {names}}}\n"
    )
    workflow = Workflow(tmp_path, warm=False)
    pairs = [(benchmark, model) for benchmark in ("disfa", "affwild") for model in ("resnet", *BASELINES)]
    targets = [f"results/eval/{benchmark}_{model}.json" for benchmark, model in pairs]
    printed = workflow.succeed(*targets, timeout=3000).output
    (sample,) = (block.text for block in blocks(ROOT / "README.md") if block.text.startswith("$ snakemake"))
    shown = [line for line in sample.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]
    assert len(shown) > 5
    for line in shown:
        assert looks_like(line, printed), line
    scores = {pair: json.loads(workflow.path(f"eval/{pair[0]}_{pair[1]}.json").read_text()) for pair in pairs}
    assert all(score["synthetic"] is True for score in scores.values())
    assert scores["disfa", "label_frequency"]["mean_auc"] == 0.5
    disfa = scores["disfa", "resnet"]
    assert disfa["mean_auc"] >= 0.82
    assert disfa["mean_f1"] >= 0.55
    assert disfa["mean_f1"] >= 1.6 * disfa["mean_f1_always_yes"]
    assert scores["affwild", "resnet"]["valence"]["ccc"] >= 0.55
    for baseline in BASELINES:
        assert disfa["mean_auc"] >= scores["disfa", baseline]["mean_auc"] + 0.05, baseline
        assert disfa["mean_f1"] >= scores["disfa", baseline]["mean_f1"] + 0.08, baseline
        assert _mean_ccc(scores["affwild", "resnet"]) >= _mean_ccc(scores["affwild", baseline]) + 0.2, baseline
    rows = {row["class"]: row for row in csv.DictReader(workflow.path("emotionet/download_summary.csv").open())}
    for name, row in rows.items():
        if name not in ("downloaded", "no route"):  # the latter cannot be had on loopback
            assert int(row["urls"]) > 0, name


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """What rule all makes, and Snakemake's report of it."""
    workflow = new_workflow(tmp_path_factory.mktemp("everything"))
    workflow.succeed(timeout=1800)
    workflow.succeed(options=("--report", "results/report.zip"))
    return workflow


@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
def test_the_page_and_the_report_in_a_browser(everything: Workflow, tmp_path: Path) -> None:
    """Every chart drawn, no error, nothing fetched."""
    workflow = everything
    page = workflow.path("report/overview.html")
    assert page.stat().st_size < 5_000_000
    with visit(page) as seen:
        charts = seen.page.locator(".chart:visible")
        assert charts.count() > 20
        for place in range(charts.count()):
            charts.nth(place).locator("svg").first.wait_for()
        assert not broken_images(seen.page)
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        text = seen.page.inner_text("body")
        for words in ("All faces are drawn by affectflow", "1,726", "always yes", "same pixels", "snapshot"):
            assert words in text, words
        seen.page.get_by_role("link", name="Provenance").click()
    assert not seen.problems
    with zipfile.ZipFile(workflow.path("report.zip")) as archive:
        archive.extractall(tmp_path)
    with visit(next(tmp_path.rglob("report.html"))) as seen:
        seen.page.get_by_role("link", name="Overview").click()
        seen.page.get_by_text("overview.html").first.wait_for(timeout=20_000)
        seen.page.locator("canvas").first.wait_for(timeout=20_000)  # the graph of rules
    assert not seen.problems


def _mean_ccc(score: dict[str, Any]) -> float:
    """The mean CCC of valence and arousal; a constant answer has none, or zero."""
    return float(np.mean([score[dimension]["ccc"] or 0.0 for dimension in ("valence", "arousal")]))


def test_rule_all_and_report(everything: Workflow) -> None:
    workflow = everything
    summary = list(csv.DictReader(workflow.path("eval/summary.csv").open()))
    pairs = {(row["benchmark"], row["model"]) for row in summary}
    assert pairs == {
        (benchmark, model)
        for benchmark in ("disfa", "amfed", "affwild", "emotionet")
        for model in (*MODELS, *BASELINES)
    }
    for model in MODELS:
        least = 5_000 if model == "resnet" else 1_000_000  # grey pixels stand for resnet here
        assert workflow.path(f"models/{model}/model.onnx").stat().st_size > least
        assert workflow.path(f"models/{model}/saved_model/saved_model.pb").is_file()
    assert workflow.run().nothing_done
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
