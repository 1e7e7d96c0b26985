"""Score files from predictions on disk, against what was put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from affectflow import facs
from affectflow.errors import UserError
from affectflow.evaluation import variants
from affectflow.evaluation.predictions import PREDICTIONS_SCHEMA
from affectflow.evaluation.score import score
from affectflow.evaluation.summary import summarise, table
from affectflow.tables import read_facts, write_csv, write_parquet

DISFA = (1, 2, 4, 6, 9, 12, 25, 26)


def _frames(count: int, taught: tuple[int, ...], seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        units = np.full(facs.COUNT, -1, np.int8)
        units[[unit - 1 for unit in DISFA]] = rng.random(len(DISFA)) < 0.3
        probabilities = np.full(facs.COUNT, np.nan, np.float32)
        probabilities[[unit - 1 for unit in taught]] = rng.random(len(taught))
        rows.append(
            {
                "source": f"s{i % 3}/{i}",
                "group": f"s{i % 3}",
                "subject": f"s{i % 3}",
                "video": f"v{i % 3}",
                "frame": i,
                "time": i / 20,
                "units": units.tolist(),
                "intensities": [float("nan")] * facs.COUNT,
                "valence": float("nan"),
                "arousal": float("nan"),
                "other": [],
                "probabilities": probabilities.tolist(),
                "predicted_valence": float("nan"),
                "predicted_arousal": float("nan"),
            }
        )
    return rows


def _score(
    folder: Path, rows: list[dict[str, Any]], benchmark: str = "disfa", taught: tuple[int, ...] = DISFA, **card: Any
) -> dict[str, Any]:
    write_parquet(folder / "predictions.parquet", PREDICTIONS_SCHEMA, rows)
    write_csv(folder / "left_out.csv", ("reason", "count"), [("frame without labels", 4)])
    (folder / "model.keras").write_bytes(b"weights")
    thresholds = {facs.label(unit): 0.3 for unit in taught}
    (folder / "card.json").write_text(json.dumps({"thresholds": thresholds, "synthetic": True} | card))
    out = folder / f"{benchmark}_m.json"
    snapshot = folder / "snapshot.json"
    snapshot.write_text('{"id": "abc", "pictures": 3}')
    score(
        benchmark,
        "m",
        folder / "predictions.parquet",
        folder / "left_out.csv",
        folder / "card.json",
        folder / "model.keras",
        snapshot=snapshot if benchmark == "disfa" else None,
        config_sha256="c",
        code_sha256="d",
        out=out,
    )
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def test_measures_equal_an_independent_implementation(tmp_path: Path) -> None:
    rows = _frames(200, DISFA)
    result = _score(tmp_path, rows)
    truth = np.array([row["units"] for row in rows])
    probability = np.array([row["probabilities"] for row in rows], np.float32)
    f1s, aucs = [], []
    for unit in DISFA:
        column = unit - 1
        measures = result["action_units"][facs.label(unit)]
        f1s.append(f1_score(truth[:, column], probability[:, column] >= 0.5))
        aucs.append(roc_auc_score(truth[:, column], probability[:, column]))
        assert measures["f1"] == pytest.approx(f1s[-1], abs=1e-6)
        assert measures["auc"] == pytest.approx(aucs[-1], abs=1e-6)
        assert measures["f1_validation_threshold"] == pytest.approx(
            f1_score(truth[:, column], probability[:, column] >= 0.3), abs=1e-6
        )
        assert measures["positives"] == truth[:, column].sum()
        assert measures["base_rate"] == pytest.approx(truth[:, column].mean(), abs=1e-6)
    assert result["mean_f1"] == pytest.approx(np.mean(f1s), abs=1e-6)
    assert result["mean_auc"] == pytest.approx(np.mean(aucs), abs=1e-6)


def test_an_oracle_scores_one_and_a_constant_the_base_rate(tmp_path: Path) -> None:
    rows = _frames(120, DISFA)
    for row in rows:
        row["probabilities"] = [float("nan") if label < 0 else float(label) for label in row["units"]]
    oracle = _score(tmp_path, rows)
    assert oracle["mean_f1"] == oracle["mean_auc"] == 1.0
    for row in rows:
        row["probabilities"] = [float("nan") if label < 0 else 0.9 for label in row["units"]]
    constant = _score(tmp_path, rows)
    assert constant["mean_f1"] == pytest.approx(constant["mean_f1_always_yes"], abs=1e-6)
    assert constant["mean_auc"] == 0.5


def test_what_was_never_taught_is_unsupported_and_not_zero(tmp_path: Path) -> None:
    taught = (1, 2, 12)
    result = _score(tmp_path, _frames(100, taught), taught=taught)
    assert list(result["action_units"]) == ["AU1", "AU2", "AU12"]
    assert result["unsupported"] == ["AU4", "AU6", "AU9", "AU25", "AU26"]
    assert result["mean_f1"] == pytest.approx(np.mean([u["f1"] for u in result["action_units"].values()]), abs=1e-6)


def test_unknown_labels_are_not_scored(tmp_path: Path) -> None:
    rows = _frames(100, DISFA)
    for row in rows[:40]:
        row["units"][12 - 1] = -1
    result = _score(tmp_path, rows)
    assert result["action_units"]["AU12"]["frames"] == 60
    assert result["action_units"]["AU1"]["frames"] == 100


def test_an_au_that_never_occurs_has_no_auc_and_counts_in_no_mean(tmp_path: Path) -> None:
    rows = _frames(100, DISFA)
    for row in rows:
        row["units"][9 - 1] = 0
    result = _score(tmp_path, rows)
    assert result["action_units"]["AU9"]["auc"] is None
    others = [u["f1"] for name, u in result["action_units"].items() if name != "AU9"]
    assert result["mean_f1"] == pytest.approx(np.mean(others), abs=1e-6)


def test_counts_note_and_provenance(tmp_path: Path) -> None:
    result = _score(tmp_path, _frames(90, DISFA))
    protocol = result["protocol"]
    assert (protocol["frames"], protocol["subjects"]) == (90, 3)
    assert protocol["left_out"] == {"frame without labels": 4}
    assert result["synthetic"] is True
    assert "drawn" in result["note"]
    assert len(result["provenance"]["inputs"]["model"]) == 64
    assert result["valence"] is result["arousal"] is None


def test_smile_is_scored_by_au12_and_says_so(tmp_path: Path) -> None:
    rows = _frames(60, DISFA)
    for i, row in enumerate(rows):
        row["other"] = [("Smile", i % 2)]
        row["probabilities"][12 - 1] = 0.8 if i % 2 else 0.1
    smile = _score(tmp_path, rows, benchmark="amfed")["action_units"]["Smile"]
    assert smile["f1"] == 1.0
    assert smile["scored_by"] == "AU12"


def test_valence_and_arousal(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = _frames(80, ())
    truth, predicted = rng.uniform(-1, 1, 80), rng.uniform(-1, 1, 80)
    for i, row in enumerate(rows):
        row |= {
            "valence": truth[i],
            "predicted_valence": predicted[i],
            "arousal": truth[i],
            "predicted_arousal": truth[i],
        }
    result = _score(tmp_path, rows, benchmark="affwild", taught=())
    assert result["arousal"]["ccc"] == pytest.approx(1.0, abs=1e-6)
    assert result["valence"]["pcc"] == pytest.approx(np.corrcoef(truth, predicted)[0, 1], abs=1e-5)
    assert result["valence"]["rmse"] == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)), abs=1e-5)
    assert result["mean_f1"] is None


def test_no_shared_label_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the labels of affwild"):
        _score(tmp_path, _frames(10, DISFA), benchmark="affwild")
    assert not (tmp_path / "affwild_m.json").exists()


def test_summary_has_a_row_a_score(tmp_path: Path) -> None:
    result = _score(tmp_path, _frames(50, DISFA))
    summarise([tmp_path / "disfa_m.json"], tmp_path / "summary.csv")
    header, row = (tmp_path / "summary.csv").read_text().splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    assert float(values["mean_f1"]) == result["mean_f1"]
    assert values["synthetic"] == "true"
    assert values["snapshot"] == result["snapshot"]["id"] == "abc"
    assert "Drawn data" in table([tmp_path / "disfa_m.json"])


def test_disfa_is_scored_without_frames_of_bad_landmarks_too(tmp_path: Path) -> None:
    rows = _frames(60, DISFA)
    for i, row in enumerate(rows):
        row.update(subject=("SN001", "sn023")[i % 2], frame=(398 if i % 3 else 4000) + i // 2)
    kept = [row for row in rows if not (row["subject"] == "SN001" and 398 <= row["frame"] <= 420)]
    assert 0 < len(kept) < len(rows)
    variant = _score(tmp_path, rows)["variants"]["without frames of bad landmarks"]
    alone = _score(tmp_path, kept)
    assert (
        variant["labelled_frames"] == len(kept)
        and variant["mean_f1"] == alone["mean_f1"] != _score(tmp_path, rows)["mean_f1"]
    )
    assert variant["action_units"] == alone["action_units"]


def test_the_frames_of_bad_landmarks_are_those_of_the_smaller_evaluation_set() -> None:
    path = Path(variants.__file__).with_name("disfa_bad_landmarks.csv")
    ranges = list(read_facts(path, ("subject", "first", "last")))
    assert sum(int(row["last"]) - int(row["first"]) + 1 for row in ranges) == 130_814 - 126_144


def test_amfed_is_scored_by_the_majority_too(tmp_path: Path) -> None:
    rows = _frames(90, (2, 12))
    percents = [0, 20, 49, 50, 80, None]
    for i, row in enumerate(rows):
        percent = percents[i % 6]
        label = -1 if percent in (None, 20, 49) else int(percent >= 50)
        row["units"] = [-1, label] + [-1] * 58
        row["other"] = [] if percent is None else [("AU2 percent", percent), ("Smile percent", percent)]
    result = _score(tmp_path, rows, "amfed", taught=(2, 12))
    majority = result["variants"]["majority of coders"]
    counts = {name: (m["positives"], m["frames"]) for name, m in majority["action_units"].items()}
    assert counts == {"AU2": (30, 75), "Smile": (30, 75)} and majority["labelled_frames"] == 75
    assert (result["action_units"]["AU2"]["positives"], result["action_units"]["AU2"]["frames"]) == (30, 45)
    truth = np.array([percents[i % 6] or 0 for i in range(90)])[[i % 6 != 5 for i in range(90)]] >= 50
    outputs = np.array([row["probabilities"][1] for i, row in enumerate(rows) if i % 6 != 5], np.float32)
    assert majority["action_units"]["AU2"]["f1"] == pytest.approx(f1_score(truth, outputs >= 0.5), abs=1e-6)
    assert majority["action_units"]["Smile"]["scored_by"] == "AU12"
