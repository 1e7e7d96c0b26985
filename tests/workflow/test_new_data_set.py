"""A data set that is one module and one line goes all the way: records, training, a score, leakage."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import new_workflow
from tests.datasets.test_registry import TOY
from tests.workflow.conftest import copy_code

PEOPLE = [f"person{number:02}" for number in range(24)]


def test_a_toy_set_is_trained_and_scored(tmp_path: Path) -> None:
    code = copy_code(tmp_path / "code")
    registry = code / "src" / "affectflow" / "datasets" / "__init__.py"
    line = "_MODULES = {\n"
    assert line in registry.read_text()
    registry.write_text(registry.read_text().replace(line, line + '    "smiles": "affectflow.datasets.smiles",\n'))
    (registry.parent / "smiles.py").write_text(TOY)
    workflow = new_workflow(tmp_path / "work", code)
    folder = workflow.folder / "data" / "smiles"
    folder.mkdir(parents=True)
    for number, person in enumerate(PEOPLE):
        for smiles in (0, 1):
            pixels = np.random.default_rng(2 * number + smiles).integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{person}-{smiles}.png")
    nothing = {name: {"root": None} for name in ("disfa", "amfed", "affwild")}
    workflow.configure(
        data={
            **nothing,
            "emotionet": {"tables": []},
            "annotations": None,
            "smiles": {"root": "data", "use": "split", "light": "day"},
        },
        models={"resnet": {"train_on": ["smiles"]}},
    )
    target = "results/eval/smiles_resnet.json"
    workflow.succeed(target)
    score = json.loads((workflow.folder / target).read_text())
    assert score["protocol"]["name"] == "all" and list(score["action_units"]) == ["AU12"]
    people = score["protocol"]["subjects"]
    assert score["protocol"]["used_frames"] == 2 * people == 2 * score["action_units"]["AU12"]["positives"] > 0
    assert score["leakage"] == {"exact": 0, "near": 0, "subjects": 0, "videos": 0}
    trained = json.loads(workflow.path("models/resnet/model.json").read_text())
    assert trained["datasets"] == {"smiles": trained["images"]["train"]}
    index = list(csv.DictReader(workflow.path("smiles/tfrecords/index.csv").open()))
    assert len(index) == trained["images"]["train"] + trained["images"]["validation"] == 2 * (len(PEOPLE) - people)
    assert workflow.run(target).nothing_done
