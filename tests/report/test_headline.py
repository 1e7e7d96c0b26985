"""The table of models by benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectflow.contracts.score import ScoreFile
from affectflow.report.headline import Value, headline
from tests.score_json import UNIT, VALUES, score_json


def scores(folder: Path, *changes: dict[str, Any]) -> list[ScoreFile]:
    return [ScoreFile.read(score_json(folder / f"{i}.json", **change)) for i, change in enumerate(changes)]


def test_models_come_before_what_they_are_to_beat(tmp_path: Path) -> None:
    units = {"action_units": {"AU1": UNIT}}
    published = [{"model": "DRML", "metric": "mean_f1", "value": 0.267}]
    found = headline(
        scores(
            tmp_path,
            {"model": "frequency", "mean_f1": 0.2, "mean_auc": 0.5},
            {"model": "vgg", "mean_f1": 0.3, "mean_auc": 0.8, "intervals": {"mean_f1": (0.25, 0.35)}},
            {"model": "resnet", "mean_f1": 0.4, "mean_auc": 0.7, "mean_f1_always_yes": 0.35, **units}
            | {"published": published, "published_note": "Other frames."},
            {"model": "vgg", "benchmark": "affwild", "valence": {**AFFECT, "ccc": 0.6}}
            | {"protocol": {**VALUES["protocol"], "name": "va"}},
            {"model": "resnet", "mean_f1": 0.9, "protocol": {**VALUES["protocol"], "name": "other"}},
        ),
        ["frequency"],
    )
    assert found.columns == {"disfa": ("mean_f1", "mean_auc"), "affwild": ("valence_ccc",)}
    assert [(row.name, row.kind) for row in found.rows] == [
        *(("vgg", "model"), ("resnet", "model"), ("frequency", "baseline")),
        *(("always yes", "always yes"), ("DRML", "published")),
    ]
    vgg, resnet, frequency, always, drml = (row.values for row in found.rows)
    assert vgg["disfa", "mean_f1"] == Value(0.3, (0.25, 0.35)) and vgg["disfa", "mean_auc"].best
    assert resnet["disfa", "mean_f1"] == Value(0.4, None, best=True) and ("affwild", "valence_ccc") not in resnet
    assert not any(value.best for value in frequency.values())
    assert always == {("disfa", "mean_f1"): Value(0.35)} and drml == {("disfa", "mean_f1"): Value(0.267)}
    assert found.notes["disfa"] == "DISFA. Other frames."


def test_one_model_is_not_the_best_of_one(tmp_path: Path) -> None:
    (row,) = headline(scores(tmp_path, {"mean_f1": 0.3}), []).rows
    assert not row.values["disfa", "mean_f1"].best


AFFECT = {"ccc": 0.5, "pcc": 0.5, "rmse": 0.5, "sign_agreement": 0.5, "frames": 28, "intervals": {}}
