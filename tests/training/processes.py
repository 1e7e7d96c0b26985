"""Trainings in processes of their own, as the workflow starts them: determinism is set for a whole process."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.conftest import ROOT

_PROGRAM = """
import json, logging, sys
from pathlib import Path
from affectflow.core.errors import one_sentence
from affectflow.training.recipe import Recipe
from affectflow.training.train import Outputs, Places, TrainingData, train
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
arguments = json.loads(sys.argv[1])
out = Path(arguments["out"])
with one_sentence():
    train(
        Recipe.of(arguments["recipe"], None),
        TrainingData([Path(p) for p in arguments["train"]], [Path(p) for p in arguments["validation"]], 40, True),
        2, Places(out / "state", out / "board"),
        Outputs(*(out / name for name in ("model.keras", "history.csv", "model.json", "reliability.csv"))),
        seconds=arguments["seconds"],
    )
"""
_DEFAULTS = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
RECIPE = {
    **_DEFAULTS["network"],
    **_DEFAULTS["training"],
    "backbone": "resnet50",
    "input_size": 32,
    "dropout": 0.0,
    "units": list(range(1, 61)),
    "shares": None,
    "seed": 1,
    "epochs": 3,
    "patience": 3,
    "augmentation": {"flip": True, "crop": 0.05, "brightness": 0.05, "contrast": 0.1, "saturation": 0.1},
}


SMALL = {"backbone": "MobileNetV3Small", "dropout": 0.2, "batch_size": 8, "epochs": 3}
"""A network that takes little time, with randomness of every kind: order, changes of images, dropout."""


def command(
    out: Path, train: Sequence[Path], validation: Sequence[Path], seconds: float | None = None, **changes: object
) -> list[str]:
    arguments = {
        "seconds": seconds,
        "recipe": RECIPE | changes,
        "train": [str(path) for path in train],
        "validation": [str(path) for path in validation],
        "out": str(out),
    }
    return [sys.executable, "-c", _PROGRAM, json.dumps(arguments)]


def run_training(
    out: Path, train: Sequence[Path], validation: Sequence[Path], **changes: object
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out, train, validation, **changes), capture_output=True, text=True, timeout=900)


def outcome(folder: Path) -> tuple[object, ...]:
    """Everything that a training leaves, but for how fast it was."""
    rows = list(csv.DictReader((folder / "history.csv").open()))
    for row in rows:
        row.pop("images_per_s")
    files = ("model.keras", "model.json", "reliability.csv")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files]
    return (*digests, json.dumps(rows))
