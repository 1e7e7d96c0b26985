"""Means over seeds, against SciPy."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from affectflow.core.errors import UserError
from affectflow.evaluation.compare import gather_seeds
from affectflow.evaluation.summary import summarize, summarize_seeds, table
from tests.score_json import AFFECT, INTENSITY, UNIT, score_json


def _score(path: Path, f1: float, ccc: float | None, **other: Any) -> Path:
    return score_json(
        path,
        model=path.stem,
        mean_f1=f1,
        mean_f1_validation_threshold=f1,
        mean_f1_always_yes=0.4,
        mean_auc=None,
        intervals={"mean_f1": (0.0, 1.0)},
        action_units={"AU1": {**UNIT, "f1": f1, "scored_by": "AU1"}},
        intensities={"AU1": {**INTENSITY, "icc": f1}},
        valence={**AFFECT, "ccc": ccc},
        unsupported=("AU2",),
        **other,
    )


@pytest.fixture
def scores(tmp_path: Path) -> dict[int, Path]:
    values = ((0, 0.5, 0.25), (7, 0.75, None), (2, 0.625, 0.5))
    return {seed: _score(tmp_path / f"{seed}.json", f1, ccc) for seed, f1, ccc in values}


def test_mean_deviation_interval_and_each(tmp_path: Path, scores: dict[int, Path]) -> None:
    gather_seeds("resnet", scores, tmp_path / "out.json")
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["seeds"] == [0, 7, 2]
    each = [0.5, 0.75, 0.625]
    low, high = stats.t.interval(0.95, 2, loc=0.625, scale=stats.sem(each))
    for found in (result["mean_f1"], result["action_units"]["AU1"]["f1"], result["intensities"]["AU1"]["icc"]):
        assert found["each"] == each and found["mean"] == 0.625
        assert found["standard_deviation"] == pytest.approx(0.125)
        assert (found["interval_low"], found["interval_high"]) == pytest.approx((low, high), abs=1e-5)
    assert result["valence"]["ccc"]["each"] == [0.25, None, 0.5] and result["valence"]["ccc"]["mean"] == 0.375
    assert result["action_units"]["AU1"]["positives"] == 7 and result["action_units"]["AU1"]["base_rate"] == 0.25
    assert result["mean_f1_always_yes"] == 0.4 and result["mean_auc"] is None and result["arousal"] is None
    assert result["unsupported"] == ["AU2"] and result["protocol"]["frames"] == 28


def test_one_seed_that_has_the_measure_gives_a_mean_without_spread(tmp_path: Path) -> None:
    files = {0: _score(tmp_path / "0.json", 0.5, None), 1: _score(tmp_path / "1.json", 0.5, 0.25)}
    gather_seeds("resnet", files, tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text())["valence"]["ccc"]
    assert found["mean"] == 0.25 and found["standard_deviation"] is None and found["interval_low"] is None


def test_a_label_that_one_seed_lacks_is_null_for_that_seed(tmp_path: Path) -> None:
    files = {0: _score(tmp_path / "0.json", 0.5, 0.5), 1: _score(tmp_path / "1.json", 0.75, 0.5)}
    score_json(tmp_path / "1.json", mean_f1=0.75, action_units={"AU4": {**UNIT, "f1": 0.75}})
    gather_seeds("resnet", files, tmp_path / "out.json")
    units = json.loads((tmp_path / "out.json").read_text())["action_units"]
    assert units["AU1"]["f1"]["each"] == [0.5, None] and units["AU4"]["f1"]["each"] == [None, 0.75]
    assert units["AU1"]["f1"]["mean"] == 0.5 and units["AU4"]["positives"] == 7


def test_table_of_seeds(tmp_path: Path, scores: dict[int, Path]) -> None:
    gather_seeds("resnet", scores, tmp_path / "out.json")
    summarize_seeds([tmp_path / "out.json"], tmp_path / "seeds.csv")
    rows = {row["metric"]: row for row in csv.DictReader((tmp_path / "seeds.csv").open())}
    assert set(rows) == {"mean_f1", "mean_f1_validation_threshold", "valence_ccc"}
    assert rows["mean_f1"]["mean"] == "0.625" and rows["mean_f1"]["each"] == "0.5 0.75 0.625"
    assert rows["mean_f1"]["seeds"] == "0 7 2" and rows["valence_ccc"]["each"] == "0.25 - 0.5"
    line = table([*scores.values(), tmp_path / "out.json"]).splitlines()[-1]
    assert "resnet, 3 seeds" in line and "0.625 ± 0.125" in line and "0.400" in line
    with pytest.raises(UserError, match=r"out\.json holds means over seeds; leave it out"):
        summarize([tmp_path / "out.json"], tmp_path / "summary.csv")
    with pytest.raises(UserError, match=r"0\.json holds one score; leave it out"):
        summarize_seeds([scores[0]], tmp_path / "seeds.csv")
