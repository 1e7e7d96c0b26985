"""Two models on the same frames, through files on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.evaluation.compare import compare
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import protocol
from affectflow.evaluation.summary import table
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import write_csv
from affectflow.tables.parquet import write_parquet
from tests.model_json import model_json

FRAMES, SUBJECTS = 400, 8
UNITS = (1, 2, 4, 6, 9, 12, 25, 26)
RNG = np.random.default_rng(4)
TRUTH = RNG.random((FRAMES, len(UNITS))) < 0.3
HARD = np.repeat(RNG.uniform(0.2, 0.9, SUBJECTS), FRAMES // SUBJECTS)[:, None]
"""How noisy a subject is, for every model alike."""
GOOD = np.clip(TRUTH + HARD * RNG.normal(0, 0.8, TRUTH.shape), 0, 1).astype(np.float32)
WORSE = np.clip(GOOD + RNG.normal(0, 0.25, TRUTH.shape), 0, 1).astype(np.float32)


@pytest.fixture
def parts(tmp_path: Path) -> Callable[..., list[RunPredictions]]:
    def make(run: str, outputs: np.ndarray, trained: tuple[int, ...] = UNITS, first: int = 0) -> list[RunPredictions]:
        folder = tmp_path / run
        rows = []
        for i in range(first, FRAMES):
            units, probabilities = np.full(facs.COUNT, -1, np.int8), np.full(facs.COUNT, np.nan, np.float32)
            for column, unit in enumerate(UNITS):
                units[unit - 1] = TRUTH[i, column]
                probabilities[unit - 1] = outputs[i, column] if unit in trained else np.nan
            subject = f"SN{i * SUBJECTS // FRAMES:03}"
            nothing = np.full(facs.COUNT, np.nan, np.float32)
            rows.append(
                {"source": f"{subject}/{i}", "group": subject, "subject": subject, "video": "v", "frame": i, "time": 0.0,
                 "units": units, "intensities": nothing, "valence": np.nan, "arousal": np.nan, "other": [],
                 "probabilities": probabilities, "predicted_intensities": nothing, "predicted_valence": np.nan,
                 "predicted_arousal": np.nan, "crop": "face"}
            )  # fmt: skip
        write_parquet(folder / "p.parquet", PREDICTIONS_SCHEMA, rows)
        write_csv(folder / "l.csv", ("reason", "count"), [])
        thresholds = {facs.label(unit): 0.4 for unit in trained}
        model_json(folder / "c.json", validation_thresholds=thresholds, synthetic=False)
        (folder / "m.keras").write_bytes(b"")
        return [RunPredictions.of_run(run, *(folder / name for name in ("p.parquet", "l.csv", "c.json", "m.keras")))]

    return make


def _compare(folder: Path, models: dict[str, list[RunPredictions]]) -> dict[str, Any]:
    compare(protocol("disfa"), models, folder / "out.json")
    found: dict[str, Any] = json.loads((folder / "out.json").read_text())
    return found


def test_the_difference_and_its_interval(tmp_path: Path, parts: Callable[..., list[RunPredictions]]) -> None:
    result = _compare(tmp_path, {"good": parts("good", GOOD), "worse": parts("worse", WORSE)})
    f1s = [[f1_score(TRUTH[:, i], outputs[:, i] >= 0.5) for i in range(len(UNITS))] for outputs in (GOOD, WORSE)]
    mean = result["mean_f1"]
    assert (mean["model"], mean["other"]) == pytest.approx((np.mean(f1s[0]), np.mean(f1s[1])), abs=1e-6)
    assert mean["difference"] == pytest.approx(mean["model"] - mean["other"], abs=2e-6)
    low, high = mean["interval"]
    assert 0 < low < mean["difference"] < high
    assert result["action_units"]["AU12"]["f1"]["difference"] == pytest.approx(f1s[0][5] - f1s[1][5], abs=1e-6)
    assert "base_rate" not in result["action_units"]["AU12"] and result["not_shared"] == []
    shown = table([tmp_path / "out.json"]).splitlines()
    assert shown[0] == "disfa: good minus worse"
    assert f"  mean F1: {mean['difference']:+.3f} ({low:+.3f} to {high:+.3f}), p {mean['p']:.3f}  " in shown[1]
    assert 0.0005 < mean["p"] < 0.05  # as the interval says
    each = {name: entry["f1"] for name, entry in result["action_units"].items()}
    assert [one["p_holm"] for one in each.values()] == pytest.approx(
        multipletests([one["p"] for one in each.values()], method="holm")[1], abs=1e-5
    )
    differ = [name for name, one in each.items() if one["p_holm"] < 0.05]
    said = next(line for line in shown if "by Holm" in line)
    assert all(name in said for name in differ) and (bool(differ) or said.endswith("none"))


def test_subjects_that_are_hard_for_both_are_no_difference(
    tmp_path: Path, parts: Callable[..., list[RunPredictions]]
) -> None:
    """Resampled independently, two such models would seem much less certain to differ."""
    low, high = _compare(tmp_path, {"good": parts("good", GOOD), "worse": parts("worse", WORSE)})["mean_f1"]["interval"]
    rng = np.random.default_rng(1)
    by_subject = [np.arange(i, i + FRAMES // SUBJECTS) for i in range(0, FRAMES, FRAMES // SUBJECTS)]

    def of_sample(outputs: np.ndarray) -> float:
        chosen = np.concatenate([by_subject[i] for i in rng.integers(SUBJECTS, size=SUBJECTS)])
        return float(np.mean([f1_score(TRUTH[chosen, i], outputs[chosen, i] >= 0.5) for i in range(len(UNITS))]))

    apart = np.quantile([of_sample(GOOD) - of_sample(WORSE) for _ in range(300)], [0.025, 0.975])
    assert (high - low) < 0.7 * (apart[1] - apart[0])


def test_a_model_does_not_differ_from_its_copy(tmp_path: Path, parts: Callable[..., list[RunPredictions]]) -> None:
    result = _compare(tmp_path, {"one": parts("one", GOOD), "copy": parts("copy", GOOD)})
    assert result["mean_f1"]["difference"] == 0 and result["mean_f1"]["interval"] == [0, 0]


def test_means_are_over_labels_that_both_were_trained(
    tmp_path: Path, parts: Callable[..., list[RunPredictions]]
) -> None:
    result = _compare(tmp_path, {"good": parts("good", GOOD), "few": parts("few", WORSE, trained=(1, 12))})
    assert set(result["action_units"]) == {"AU1", "AU12"} and len(result["not_shared"]) == 6
    each = [unit["f1"]["model"] for unit in result["action_units"].values()]
    assert result["mean_f1"]["model"] == pytest.approx(np.mean(each), abs=1e-6)


def test_what_cannot_be_compared(tmp_path: Path, parts: Callable[..., list[RunPredictions]]) -> None:
    problem = (
        r"good and late are not scored on the same frames of disfa .*: late lacks 3 \(SN000/0 first\), good lacks 0"
    )
    with pytest.raises(UserError, match=problem):
        _compare(tmp_path, {"good": parts("good", GOOD), "late": parts("late", GOOD, first=3)})
    with pytest.raises(UserError, match="a and b share no label on disfa"):
        _compare(tmp_path, {"a": parts("a", GOOD, trained=(1,)), "b": parts("b", GOOD, trained=(2,))})
    assert not (tmp_path / "out.json").exists()
