"""A data set that is one module and one line of the registry goes all the way to a score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affectflow import datasets
from affectflow.datasets.base import side_of
from affectflow.evaluation import protocols
from affectflow.evaluation.stages import score_model
from affectflow.inspection.stages import check_leakage, digest_images
from affectflow.records.stages import write_dataset_records, write_frames
from tests.datasets.test_registry import TOY
from tests.training.conftest import SIZE
from tests.training.processes import SMALL, Forked, _train


def _draw(root: Path, people: int, images: int) -> None:
    """Draw images in which a bright patch is a smile."""
    random = np.random.default_rng(5)
    (root / "smiles").mkdir(parents=True)
    for number in range(people * images):
        label = int(random.random() < 0.5)
        pixels = random.integers(60, 140, (SIZE, SIZE, 3), dtype=np.uint8)
        if label:
            pixels[26:36, 10:30] = 230
        Image.fromarray(pixels).save(root / "smiles" / f"p{number // images:02}-{label}-{number}.png")


def _predict(frames: Path, lost: Path, folder: Path) -> None:
    """Run the stage in a process that knows the data set."""
    from affectflow.prediction.stages import predict_benchmark
    from tests.training.processes import add_small

    datasets._MODULES["smiles"] = TOY
    add_small()
    model, metadata = folder / "model.keras", folder / "model.json"
    outputs = folder / "predictions.parquet", folder / "left_out.csv"
    predict_benchmark([frames], model, metadata, *outputs, "smiles", lost=(lost,))


def test_a_toy_set_is_recorded_learned_and_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(datasets._MODULES, "smiles", TOY)
    monkeypatch.setattr(protocols, "_all", protocols._all.__wrapped__)
    root, encoding = tmp_path / "root", {"image_size": SIZE, "jpeg_quality": 95, "jpeg_chroma": "4:4:4"}
    _draw(root, people=40, images=4)

    sides = {side: [tmp_path / f"{side}-00000-of-00001.tfrecord"] for side in ("train", "validation")}
    write_dataset_records(
        "smiles",
        root,
        "train",
        **sides,
        index=tmp_path / "index.csv",
        left_out=tmp_path / "left_out_of_records.csv",
        validation_fraction=0.2,
        **encoding,
    )
    frames, lost = tmp_path / "frames.tfrecord", tmp_path / "lost.csv"
    tested = sorted(path.name for path in (root / "smiles").iterdir() if side_of("smiles", path.name[:3]) == "test")
    assert write_frames("smiles", root, frames, lost, max_gap_s=1, split="test", **encoding) == f"{len(tested)} frames"

    recipe = {**SMALL, "heads": ["action_units"], "units": [12], "epochs": 6, "patience": 6}
    training = Forked(tmp_path / "log", _train, tmp_path, sides["train"], sides["validation"], None, recipe)
    assert training.wait(300) == 0, (tmp_path / "log").read_text()
    prediction = Forked(tmp_path / "log", _predict, frames, lost, tmp_path)
    assert prediction.wait(300) == 0, (tmp_path / "log").read_text()

    for split in ("test", "train"):
        digest_images("smiles", root, tmp_path / f"{split}.parquet", split)
    check_leakage(
        [tmp_path / "test.parquet", tmp_path / "train.parquet"],
        tmp_path / "pairs.csv",
        tmp_path / "leakage.json",
        [("smiles", root, "test"), ("smiles", root, "train")],
        max_bits=0,
    )
    score = tmp_path / "score.json"
    score_model(
        predictions=[tmp_path / "predictions.parquet"],
        left_out=[tmp_path / "left_out.csv"],
        metadata=[tmp_path / "model.json"],
        model=[tmp_path / "model.keras"],
        leakage=[tmp_path / "leakage.json"],
        score=score,
        benchmark="smiles",
        protocol="",
        run="small",
        runs=["small"],
        config_sha256="",
        code="",
        bootstrap_samples=50,
    )
    found = json.loads(score.read_text())
    assert found["protocol"]["name"] == "all" and found["protocol"]["used_frames"] == len(tested)
    assert found["action_units"]["AU12"]["f1"] > 0.8
