"""A set of images travels as its snapshot."""

from __future__ import annotations

import csv
import json
from typing import Any

import pyarrow.parquet as pq

from tests.conftest import Workflow

CARD = "results/emotionet/snapshot.json"
SCORE = "results/eval/emotionet_resnet.json"


def card(workflow: Workflow) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(workflow.path("emotionet/snapshot.json").read_text())
    return read


def sides(workflow: Workflow) -> dict[str, tuple[str, str]]:
    rows = pq.read_table(workflow.path("emotionet/samples.parquet")).to_pylist()
    return {row["sha256"]: (row["split"], row["group"]) for row in rows}


def test_the_same_set_is_the_same_records_and_id(finished: Workflow, copy: Workflow) -> None:
    copy.configure(data={"emotionet": {"snapshot": str(finished.path("emotionet/snapshot.parquet"))}})
    journals = {path: path.read_bytes() for path in copy.path("state/download").glob("*.jsonl")}
    copy.succeed(SCORE)
    assert {path: path.read_bytes() for path in journals} == journals  # nothing was fetched
    assert sides(copy) == sides(finished)
    there, here = card(finished), card(copy)
    assert here["id"] == there["id"] and "reproduces" not in there
    assert here["reproduces"]["id"] == there["id"] and here["reproduces"]["images_lost"] == 0
    assert here["reproduces"]["urls_that_differ"] == {}
    assert json.loads(copy.path("eval/emotionet_resnet.json").read_text())["snapshot"] == here
    models = [workflow.path("models/resnet/model.keras").read_bytes() for workflow in (finished, copy)]
    assert models[0] == models[1]


def test_what_is_gone_elsewhere_is_told_and_the_rest_keeps_its_side(finished: Workflow, workflow: Workflow) -> None:
    # The same addresses: the port is part of them.
    (workflow.folder / "config.yaml").write_text((finished.folder / "config.yaml").read_text())
    workflow.configure(
        data={"emotionet": {"snapshot": str(finished.path("emotionet/snapshot.parquet"))}},
        records={"validation_fraction": 0.3},
    )
    workflow.succeed("results/demo/emotionet/routes.json")
    images = sorted(workflow.path("demo/emotionet/web").iterdir())
    images[3].write_bytes(images[4].read_bytes())
    images[5].unlink()  # the demo's web answers 500
    workflow.succeed(CARD)
    told = list(csv.DictReader(workflow.path("emotionet/snapshot_difference.csv").open()))
    reproduced = card(workflow)["reproduces"]
    assert reproduced["id"] == card(finished)["id"] != card(workflow)["id"]
    assert {row["outcome"] for row in told} == {"changed", "server_error"} == set(reproduced["urls_that_differ"])
    lost = {row["sha256"] for row in told if row["image"] == "lost"}
    assert len(lost) == reproduced["images_lost"] > 0
    assert sides(workflow) == {sha256: side for sha256, side in sides(finished).items() if sha256 not in lost}
