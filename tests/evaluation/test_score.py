"""Score files from predictions on disk, against what was put in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, roc_auc_score

from affectflow import facs
from affectflow.contracts.leakage import LeakageFile
from affectflow.contracts.snapshot_card import SnapshotCard
from affectflow.core.errors import UserError
from affectflow.evaluation.compare import gather_seeds
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import default, protocol, protocols
from affectflow.evaluation.score import score
from affectflow.evaluation.summary import summarize, table
from affectflow.facs.emotions import EXPRESSIONS
from affectflow.plan.data import BENCHMARKS
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.tables.csv_files import read_facts, write_csv
from affectflow.tables.parquet import write_parquet
from tests.model_json import model_json

DISFA = (1, 2, 4, 6, 9, 12, 25, 26)


def _frames(count: int, trained: tuple[int, ...], seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        units = np.full(facs.COUNT, -1, np.int8)
        units[[unit - 1 for unit in DISFA]] = rng.random(len(DISFA)) < 0.3
        probabilities = np.full(facs.COUNT, np.nan, np.float32)
        probabilities[[unit - 1 for unit in trained]] = rng.random(len(trained))
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
                "predicted_intensities": [float("nan")] * facs.COUNT,
                "predicted_valence": float("nan"),
                "predicted_arousal": float("nan"),
            }
        )
    return rows


def _score(
    folder: Path,
    rows: list[dict[str, Any]],
    benchmark: str = "disfa",
    trained: tuple[int, ...] = DISFA,
    name: str = "",
    **card: Any,
) -> dict[str, Any]:
    write_parquet(folder / "predictions.parquet", PREDICTIONS_SCHEMA, rows)
    write_csv(folder / "left_out.csv", ("reason", "count"), [("frame without labels", 4)])
    (folder / "model.keras").write_bytes(b"weights")
    thresholds = {"thresholds": {}, "validation_thresholds": {facs.label(unit): 0.3 for unit in trained}}
    counts = card.pop("leakage", None)
    if counts is not None:
        LeakageFile(**counts, images=3, compared_with=3, max_bits=6, max_face_bits=20).write(folder / "leakage.json")
    model_json(folder / "card.json", **thresholds | card)
    out = folder / f"{benchmark}_m.json"
    snapshot = folder / "snapshot.json"
    SnapshotCard(id="abc", urls=3, images=3, splits={}).write(snapshot)
    files = (folder / file for file in ("predictions.parquet", "left_out.csv", "card.json", "model.keras"))
    score(
        protocol(benchmark, name),
        "m",
        [RunPredictions.of_run("m", *files, leakage=folder / "leakage.json" if counts is not None else None)],
        snapshot=snapshot if benchmark == "disfa" else None,
        config_sha256="c",
        code_sha256="d",
        out=out,
    )
    result: dict[str, Any] = json.loads(out.read_text())
    return result


def test_metrics_equal_an_independent_implementation(tmp_path: Path) -> None:
    rows = _frames(200, DISFA)
    result = _score(tmp_path, rows)
    truth = np.array([row["units"] for row in rows])
    probability = np.array([row["probabilities"] for row in rows], np.float32)
    f1s, aucs = [], []
    for unit in DISFA:
        column = unit - 1
        metrics = result["action_units"][facs.label(unit)]
        f1s.append(f1_score(truth[:, column], probability[:, column] >= 0.5))
        aucs.append(roc_auc_score(truth[:, column], probability[:, column]))
        assert metrics["f1"] == pytest.approx(f1s[-1], abs=1e-6)
        assert metrics["auc"] == pytest.approx(aucs[-1], abs=1e-6)
        assert metrics["f1_validation_threshold"] == pytest.approx(
            f1_score(truth[:, column], probability[:, column] >= 0.3), abs=1e-6
        )
        assert metrics["positives"] == truth[:, column].sum()
        assert metrics["base_rate"] == pytest.approx(truth[:, column].mean(), abs=1e-6)
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


def test_what_was_never_trained_is_unsupported_and_not_zero(tmp_path: Path) -> None:
    trained = (1, 2, 12)
    result = _score(tmp_path, _frames(100, trained), trained=trained)
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
    used = result["protocol"]
    assert (used["frames"], used["subjects"]) == (90, 3)
    assert used["left_out"] == {"frame without labels": 4}
    assert used["used_frames"] + sum(used["left_out"].values()) == used["all_frames"] == 94
    assert (used["name"], used["version"]) == ("occurrence8", 1)
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
    result = _score(tmp_path, rows, benchmark="affwild", trained=())
    assert result["arousal"]["ccc"] == pytest.approx(1.0, abs=1e-6)
    assert result["valence"]["pcc"] == pytest.approx(np.corrcoef(truth, predicted)[0, 1], abs=1e-5)
    assert result["valence"]["rmse"] == pytest.approx(np.sqrt(np.mean((truth - predicted) ** 2)), abs=1e-5)
    assert result["mean_f1"] is None


def test_a_prediction_for_some_frames_is_reported_and_none_is_unsupported(tmp_path: Path) -> None:
    rows = _frames(40, ())
    for i, row in enumerate(rows):
        row |= {"valence": i / 40, "arousal": i / 40, "predicted_valence": i / 40}
    result = _score(tmp_path, rows, benchmark="affwild", trained=())
    assert result["valence"]["ccc"] == 1 and result["unsupported"] == ["arousal"]
    for row in rows[:20]:
        row["predicted_valence"] = float("nan")
    with pytest.raises(UserError, match="The prediction of valence by m is NaN for some frames; train the model again"):
        _score(tmp_path, rows, benchmark="affwild", trained=())


def test_no_shared_label_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the labels of affwild"):
        _score(tmp_path, _frames(10, DISFA), benchmark="affwild")
    assert not (tmp_path / "affwild_m.json").exists()


def test_summary_has_a_row_a_score(tmp_path: Path) -> None:
    result = _score(tmp_path, _frames(50, DISFA))
    summarize([tmp_path / "disfa_m.json"], tmp_path / "summary.csv")
    (values,) = csv.DictReader((tmp_path / "summary.csv").open(newline=""))
    assert float(values["mean_f1"]) == result["mean_f1"]
    assert values["synthetic"] == "true"
    assert values["snapshot"] == result["snapshot"]["id"] == "abc"
    assert "Drawn data" in table([tmp_path / "disfa_m.json"])


def test_published_results_are_listed(tmp_path: Path) -> None:
    rows = _frames(50, DISFA)
    _score(tmp_path, rows, name="occurrence12")
    shown = table([tmp_path / "disfa_m.json"])
    assert "disfa-occurrence12, published: not comparable" in shown and "JAA-Net" not in shown
    for row in rows:
        row.update(valence=0.1, arousal=0.2, predicted_valence=0.3, predicted_arousal=0.4)
    _score(tmp_path, rows, benchmark="affwild", trained=())
    shown = table([tmp_path / "affwild_m.json", tmp_path / "affwild_m.json"])
    assert shown.count("affwild, published: AffWildNet valence CCC 0.570; AffWildNet arousal CCC 0.430; not") == 1


def test_disfa_is_scored_without_frames_of_bad_landmarks_too(tmp_path: Path) -> None:
    rows = _frames(60, DISFA)
    for i, row in enumerate(rows):
        row.update(subject=("SN001", "sn023")[i % 2], frame=(398 if i % 3 else 4000) + i // 2)
    kept = [row for row in rows if not (row["subject"] == "SN001" and 398 <= row["frame"] <= 420)]
    assert 0 < len(kept) < len(rows)
    other = _score(tmp_path, rows, name="landmarks8")
    alone = _score(tmp_path, kept)
    assert other["protocol"]["used_frames"] == len(kept)
    assert other["mean_f1"] == alone["mean_f1"] != _score(tmp_path, rows)["mean_f1"]
    assert other["action_units"] == alone["action_units"]
    assert other["protocol"]["left_out"]["frame that the protocol leaves out"] == len(rows) - len(kept)


def test_the_frames_of_bad_landmarks_are_those_of_the_smaller_evaluation_set() -> None:
    path = protocol("disfa", "landmarks12").left_out_file
    assert path == protocol("disfa", "landmarks8").left_out_file
    assert path is not None
    ranges = list(read_facts(path, ("subject", "first", "last")))
    assert sum(int(row["last"]) - int(row["first"]) + 1 for row in ranges) == 130_814 - 126_144


def _expressed(name: str) -> list[tuple[str, int]]:
    return [(one, int(one == name)) for one in EXPRESSIONS]


def test_expressions_follow_from_the_action_units_of_a_model(tmp_path: Path) -> None:
    """Happiness is AU6 and AU12 by EMFACS; a frame without an image counts as neutral."""
    rows = _frames(90, (6, 12))
    rng = np.random.default_rng(2)
    for i, row in enumerate(rows):
        row["other"] = _expressed(("Happiness", "Neutral", "Anger")[i % 3]) if i % 10 else []
        row["units"] = [-1] * 60
        probabilities = np.full(facs.COUNT, np.nan, np.float32)
        if i % 7:
            probabilities[[5, 11]] = rng.random(2)
        row["probabilities"], row["crop"] = probabilities.tolist(), "face" if i % 7 else "missing"
    result = _score(tmp_path, rows, "affwild2", trained=(6, 12), name="expr")
    truth = np.array([dict(row["other"]).get("Happiness", -1) for row in rows])
    smiles = np.array([bool(min(row["probabilities"][5], row["probabilities"][11]) >= 0.5) for row in rows])
    known = truth >= 0
    scored = result["action_units"]
    assert scored["Happiness"]["f1"] == pytest.approx(f1_score(truth[known], smiles[known]), abs=1e-6)
    neutral = np.array([dict(row["other"]).get("Neutral", 0) for row in rows])
    assert scored["Neutral"]["f1"] == pytest.approx(f1_score(neutral[known], ~smiles[known]), abs=1e-6)
    assert scored["Anger"]["f1"] == 0 and scored["Anger"]["scored_by"] == "action units by emfacs"
    assert result["mean_f1"] == pytest.approx((scored["Happiness"]["f1"] + scored["Neutral"]["f1"]) / 3, abs=1e-6)
    assert result["mean_of"]["mean_f1"] == 3 and scored["Happiness"]["auc"] is None
    assert result["protocol"]["used_frames"] == known.sum()


def test_frames_of_which_a_set_has_no_image_count(tmp_path: Path) -> None:
    """They are absent, and valence is the video's last one; two models of which one is not trained on AU2."""
    rows = _frames(60, (1,))
    rng = np.random.default_rng(5)
    for i, row in enumerate(sorted(rows, key=lambda row: row["video"])):
        row |= {"valence": rng.uniform(-1, 1), "arousal": 0.0, "crop": "missing" if i % 4 == 3 else "face"}
        row["predicted_valence"] = float("nan") if i % 4 == 3 else rng.uniform(-1, 1)
        if i % 4 == 3:
            row["probabilities"] = [float("nan")] * facs.COUNT
    rows.sort(key=lambda row: row["video"])
    result = _score(tmp_path, rows, "affwild2", trained=(1,), name="au")
    seen = np.array([row["crop"] == "face" for row in rows])
    truth = np.array([row["units"][0] for row in rows])
    said = np.array([row["probabilities"][0] >= 0.5 for row in rows])
    assert result["action_units"]["AU1"]["frames"] == 60 and "AU2" in result["unsupported"]
    assert result["action_units"]["AU1"]["f1"] == pytest.approx(f1_score(truth, said & seen), abs=1e-6)
    answered = result["answered"]
    assert (answered["frames"], answered["without"]) == (45, 15)
    assert answered["mean_f1"] == pytest.approx(f1_score(truth[seen], said[seen]), abs=1e-6)
    assert result["warnings"] == [
        "15 of 60 frames (25.0%) have no image in the data set and count as without expression; the means over the "
        "others alone are under 'answered'."
    ]
    assert result["protocol"]["crops"] == {"face": 45, "held": 0, "center": 0, "missing": 15}
    affect = _score(tmp_path, rows, "affwild2", trained=(1,))
    label = np.array([row["valence"] for row in rows])
    predicted = np.array([row["predicted_valence"] for row in rows])
    last = [predicted[i] if seen[i] else predicted[i - 1] for i in range(60)]
    assert affect["valence"]["pcc"] == pytest.approx(np.corrcoef(label, last)[0, 1], abs=1e-5)
    assert affect["answered"]["valence"] != affect["valence"]["ccc"]
    names = np.array([row["video"] for row in rows])

    def ccc(x: np.ndarray, y: np.ndarray) -> float:
        return float(2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2))

    each = [ccc(label[names == name], np.array(last)[names == name]) for name in ("v0", "v1", "v2")]
    assert affect["valence"]["ccc_by_video"] == pytest.approx(np.mean(each), abs=1e-5)
    assert affect["valence"]["videos"] == 3


def test_frames_in_which_the_tracker_failed_are_left_out_where_a_protocol_says_so(tmp_path: Path) -> None:
    rows = _frames(90, (2, 12))
    for i, row in enumerate(rows):
        row["other"] = [("Smile", i % 2), ("AU2 percent", 100 * (i % 2)), ("Trackerfail percent", (0, 49, 50)[i % 3])]
    for name, left_out in (("authors", 30), ("unanimous", 0), ("majority", 0)):
        used = _score(tmp_path, rows, "amfed", trained=(2, 12), name=name)["protocol"]
        assert used["used_frames"] == 90 - left_out and used["all_frames"] == 94
        assert used["left_out"].get("frame that the protocol leaves out", 0) == left_out


def test_amfed_is_scored_by_the_majority_too(tmp_path: Path) -> None:
    rows = _frames(90, (2, 12))
    percents = [0, 20, 49, 50, 80, None]
    for i, row in enumerate(rows):
        percent = percents[i % 6]
        label = -1 if percent in (None, 20, 49) else int(percent >= 50)
        row["units"] = [-1, label] + [-1] * 58
        row["other"] = [] if percent is None else [("AU2 percent", percent), ("Smile percent", percent)]
    result = _score(tmp_path, rows, "amfed", trained=(2, 12))
    majority = _score(tmp_path, rows, "amfed", trained=(2, 12), name="majority")
    counts = {name: (m["positives"], m["frames"]) for name, m in majority["action_units"].items()}
    assert counts == {"AU2": (30, 75), "Smile": (30, 75)} and majority["protocol"]["used_frames"] == 75
    assert (result["action_units"]["AU2"]["positives"], result["action_units"]["AU2"]["frames"]) == (30, 45)
    truth = np.array([percents[i % 6] or 0 for i in range(90)])[[i % 6 != 5 for i in range(90)]] >= 50
    outputs = np.array([row["probabilities"][1] for i, row in enumerate(rows) if i % 6 != 5], np.float32)
    assert majority["action_units"]["AU2"]["f1"] == pytest.approx(f1_score(truth, outputs >= 0.5), abs=1e-6)
    assert majority["action_units"]["Smile"]["scored_by"] == "AU12"


def test_intervals_are_those_of_the_jackknife_over_subjects(tmp_path: Path) -> None:
    rows = _frames(300, DISFA)
    for i, row in enumerate(rows):
        row["subject"] = f"s{i % 10}"
    result = _score(tmp_path, rows)
    assert result["protocol"]["intervals"] == {
        "confidence": "95%",
        "method": "delete-one jackknife, Student's t",
        "resampled": "subject",
        "clusters": 10,
        "replicates": 10,
    }
    truth = np.array([row["units"][12 - 1] for row in rows])
    probability = np.array([row["probabilities"][12 - 1] for row in rows], np.float32)
    subject = np.arange(300) % 10
    for name, metric in (("f1", lambda t, p: f1_score(t, p >= 0.5)), ("auc", roc_auc_score)):
        estimate = metric(truth, probability)
        each = np.array([metric(truth[subject != i], probability[subject != i]) for i in range(10)])
        error = np.sqrt(9 / 10 * ((each - each.mean()) ** 2).sum())
        spread = each - each.mean()
        freedom = min(9, 20 / ((spread**4).mean() / (spread**2).mean() ** 2 - 1 + 2 / 9))
        logit = np.log(estimate / (1 - estimate))
        half = stats.t(freedom).ppf(0.975) * error / (estimate * (1 - estimate))
        expected = 1 / (1 + np.exp(-(logit - half))), 1 / (1 + np.exp(-(logit + half)))
        assert result["action_units"]["AU12"]["intervals"][name] == pytest.approx(expected, abs=1e-5)
    low, high = result["action_units"]["AU12"]["intervals"]["f1"]
    mean_low, mean_high = result["intervals"]["mean_f1"]
    assert mean_low < result["mean_f1"] < mean_high
    assert mean_high - mean_low < high - low  # a mean of eight varies less
    assert "no_interval" not in result


def test_the_ranking_within_people_does_not_depend_on_how_they_look_at_rest(tmp_path: Path) -> None:
    rows = _frames(24, DISFA)
    at_rest = np.linspace(0, 0.9, 12)
    for i, row in enumerate(rows):
        person, smiles = divmod(i, 2)
        row["subject"] = row["group"] = f"{person:03d}"
        row["units"] = [-1] * facs.COUNT
        row["units"][12 - 1] = smiles
        row["probabilities"][12 - 1] = at_rest[person] + (0.05 if smiles and person else 0)
    smile = _score(tmp_path, rows, "london")["action_units"]["AU12"]
    assert smile["auc"] < 0.6
    assert (smile["auc_within_subject"], smile["pairs_within_subject"]) == (pytest.approx(11.5 / 12, abs=1e-6), 12)
    low, high = smile["intervals"]["auc_within_subject"]
    assert low < 11.5 / 12 < high <= 1


def test_pairs_are_of_one_person_where_people_are_more_than_the_jackknifes_groups(tmp_path: Path) -> None:
    rows = _frames(500, DISFA)
    for i, row in enumerate(rows):
        person, smiles = divmod(i, 2)
        row["subject"] = row["group"] = f"{person:03d}"
        row["units"] = [-1] * facs.COUNT
        row["units"][12 - 1] = smiles
        row["probabilities"][12 - 1] = person / 300 + 0.05 * smiles
    smile = _score(tmp_path, rows, "london")["action_units"]["AU12"]
    assert (smile["auc_within_subject"], smile["pairs_within_subject"]) == (1, 250)


def test_an_au_of_few_people_has_a_wide_interval_or_none(tmp_path: Path) -> None:
    rows = _frames(300, DISFA)
    for i, row in enumerate(rows):
        row["subject"] = f"s{i % 10}"
        row["units"][0] = int(i % 10 == 3 and row["units"][0] == 1)  # AU1: one person
        row["units"][1] = int(i % 10 < 2 and row["units"][1] == 1)  # AU2: two people
    result = _score(tmp_path, rows)
    one, two, many = (result["action_units"][name] for name in ("AU1", "AU2", "AU4"))
    assert one["intervals"]["f1"] is one["intervals"]["auc"] is None
    assert one["no_interval"]["f1"] == "rests on a single one of what is resampled"
    width = {
        name: high - low for name, (low, high) in (("2", two["intervals"]["auc"]), ("10", many["intervals"]["auc"]))
    }
    assert width["2"] > 2 * width["10"]
    assert result["intervals"]["mean_auc"] is not None


def test_one_subject_has_no_interval(tmp_path: Path) -> None:
    rows = _frames(40, DISFA)
    for row in rows:
        row["subject"] = "s"
    result = _score(tmp_path, rows)
    assert result["intervals"]["mean_f1"] is None
    assert result["action_units"]["AU1"]["intervals"]["auc"] is None


def test_intensities(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    rows = _frames(120, ())
    truth = rng.integers(0, 6, (120, 2)).astype(float)
    outputs = np.clip(truth + rng.normal(0, 1, truth.shape), 0, 5)
    for row, known, predicted in zip(rows, truth, outputs, strict=True):
        row["intensities"] = [float("nan")] * 11 + [known[0]] + [float("nan")] * 12 + [known[1]] + [float("nan")] * 35
        row["predicted_intensities"] = [float("nan")] * 11 + [predicted[0]] + [float("nan")] * 48
    result = _score(tmp_path, rows, trained=(), name="intensity12")
    found = result["intensities"]["AU12"]
    predicted32 = outputs[:, 0].astype(np.float32)
    assert list(result["intensities"]) == ["AU12"]
    assert found["mae"] == pytest.approx(np.abs(truth[:, 0] - predicted32).mean(), abs=1e-6)
    covariance = np.cov(truth[:, 0], predicted32)
    assert found["icc"] == pytest.approx(2 * covariance[0, 1] / np.trace(covariance), abs=1e-6)
    assert result["mean_icc"] == found["icc"] and found["intervals"]["icc"][0] < found["icc"]
    assert "intensity of AU25" in result["unsupported"] and "intensity of AU1" in result["unlabelled"]
    assert result["mean_f1"] is None


def test_the_challenge_score_is_the_mean_of_accuracy_and_f1(tmp_path: Path) -> None:
    rows = _frames(100, DISFA)
    for i, row in enumerate(rows):
        row["group"] = f"near duplicates {i // 2}"
    result = _score(tmp_path, rows, "emotionet", name="challenge2017")
    assert result["challenge_score"] == pytest.approx((result["mean_accuracy"] + result["mean_f1"]) / 2, abs=1e-6)
    assert result["protocol"]["subjects"] == 50 and "AU5" in result["unlabelled"]


def _score_folds(folder: Path, name: str = "folds8") -> dict[str, Any]:
    """Score the predictions in the folders ``1``, ``2`` and ``3`` together."""
    files = ("predictions.parquet", "left_out.csv", "card.json", "model.keras")
    parts = [
        RunPredictions.of_run(f"m-disfa-fold{fold}", *(folder / str(fold) / file for file in files))
        for fold in (1, 2, 3)
    ]
    out = folder / "folds.json"
    score(protocol("disfa", name), "m", parts, None, config_sha256="c", code_sha256="d", out=out)
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_folds_are_pooled_and_averaged(tmp_path: Path) -> None:
    """The F1 of all frames together differs from the mean of the folds' where folds differ in size and base rate."""
    pooled, alone = [], []
    for fold, (count, seed) in enumerate([(40, 1), (200, 2), (90, 3)], start=1):
        folder = tmp_path / f"{fold}"
        folder.mkdir()
        rows = _frames(count, DISFA, seed)
        for row in rows:
            row["units"] = [label if label < 0 else int(label and (row["frame"] % fold == 0)) for label in row["units"]]
        alone.append(_score(folder, rows)["mean_f1"])
        pooled += rows
    result = _score_folds(tmp_path)
    together = _score(tmp_path, pooled)
    assert result["mean_f1"] == together["mean_f1"]
    assert {fold: means["mean_f1"] for fold, means in result["folds"]["each"].items()} == {
        f"fold{number}": f1 for number, f1 in enumerate(alone, start=1)
    }
    assert result["folds"]["mean"]["mean_f1"] == pytest.approx(np.mean(alone), abs=1e-6) != result["mean_f1"]
    assert result["protocol"]["left_out"] == {"frame without labels": 12}
    jaanet = next(one for one in result["published"] if one["model"] == "JAA-Net")
    assert jaanet["value"] == 0.56 and "BP4D" in jaanet["how"]


def test_intensities_are_scored_by_folds_pooled_and_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    truths, outputs = [], []
    for fold, count in enumerate((60, 150, 90), start=1):
        folder = tmp_path / f"{fold}"
        folder.mkdir()
        truth = rng.integers(0, 6, count).astype(float)
        predicted = np.clip(truth + rng.normal(0, fold, count), 0, 5)
        rows = _frames(count, DISFA, fold)
        for row, known, output in zip(rows, truth, predicted, strict=True):
            row["intensities"] = [float("nan")] * 11 + [known] + [float("nan")] * 48
            row["predicted_intensities"] = [float("nan")] * 11 + [output] + [float("nan")] * 48
        _score(folder, rows, trained=(), name="intensity12")
        truths.append(truth)
        outputs.append(predicted.astype(np.float32))
    result = _score_folds(tmp_path, "foldsintensity12")
    mae = [float(np.abs(t - p).mean()) for t, p in zip(truths, outputs, strict=True)]
    mse = [float(((t - p) ** 2).mean()) for t, p in zip(truths, outputs, strict=True)]
    each = list(result["folds"]["each"].values())
    assert [means["mean_mae"] for means in each] == pytest.approx(mae, abs=1e-6)
    assert [means["mean_mse"] for means in each] == pytest.approx(mse, abs=1e-6)
    covariances = [np.cov(t, p) for t, p in zip(truths, outputs, strict=True)]
    icc = [2 * one[0, 1] / np.trace(one) for one in covariances]
    assert [means["mean_icc"] for means in each] == pytest.approx(icc, abs=1e-6)
    assert result["folds"]["mean"]["mean_icc"] == pytest.approx(np.mean(icc), abs=1e-6) != result["mean_icc"]
    pooled = np.abs(np.concatenate(truths) - np.concatenate(outputs)).mean()
    assert result["mean_mae"] == pytest.approx(pooled, abs=1e-6) != result["folds"]["mean"]["mean_mae"]


def test_folds_leave_out_the_frames_of_bad_landmarks(tmp_path: Path) -> None:
    for fold, subject in enumerate(("SN001", "SN006", "SN004"), start=1):
        folder = tmp_path / f"{fold}"
        folder.mkdir()
        rows = _frames(60, DISFA, fold)
        for number, row in enumerate(rows):
            row |= {"subject": subject, "frame": {1: 390, 2: 1340, 3: 4530}[fold] + number}
        _score(folder, rows)
    protocol_used = _score_folds(tmp_path, "foldslandmarks8")["protocol"]
    # SN001 398 to 420, SN006 1349 to 1405, SN004 4541 to 4555, of frames 390 to 449, 1340 to 1399, 4530 to 4589
    assert protocol_used["left_out"]["frame that the protocol leaves out"] == 23 + 51 + 15
    assert protocol_used["used_frames"] == 180 - 89


def test_seeds_of_folds_are_combined_by_fold(tmp_path: Path) -> None:
    for seed in (1, 2):
        for fold in (1, 2, 3):
            folder = tmp_path / f"{seed}" / f"{fold}"
            folder.mkdir(parents=True)
            _score(folder, _frames(80, DISFA, 10 * seed + fold))
        _score_folds(tmp_path / f"{seed}")
    gather_seeds("m", {seed: tmp_path / f"{seed}" / "folds.json" for seed in (1, 2)}, tmp_path / "seeds.json")
    seeds = json.loads((tmp_path / "seeds.json").read_text())["folds"]
    of_each = [json.loads((tmp_path / f"{seed}" / "folds.json").read_text())["folds"] for seed in (1, 2)]
    assert seeds["each"]["fold2"]["mean_f1"]["each"] == [one["each"]["fold2"]["mean_f1"] for one in of_each]
    assert seeds["mean"]["mean_f1"]["mean"] == pytest.approx(
        np.mean([one["mean"]["mean_f1"] for one in of_each]), abs=1e-6
    )


def test_what_one_fold_was_not_trained_is_unsupported(tmp_path: Path) -> None:
    for fold, trained in enumerate([DISFA, DISFA[1:], DISFA], start=1):
        folder = tmp_path / f"{fold}"
        folder.mkdir()
        _score(folder, _frames(60, trained, fold), trained=trained)
    result = _score_folds(tmp_path)
    assert result["unsupported"] == ["AU1"] and len(result["action_units"]) == 7


def test_protocols_are_complete() -> None:
    for benchmark in BENCHMARKS:
        for name, one in protocols(benchmark).items():
            assert one.source and one.title and one.version >= 1, name
            assert one.scores <= {"action_units", "intensities", "valence_arousal"} and one.scores
            assert bool(one.labels or one.expressions) == bool(one.positive_if)
            assert one.target == (benchmark if name == default(benchmark) else f"{benchmark}-{name}")
        assert sum(one.target == benchmark for one in protocols(benchmark).values()) == 1
    assert set(protocol("emotionet").labels.values()) == set(facs.SUBSETS["emotionet2020"])
    assert protocol("amfed", "authors").labels == {"Smile": 12, "AU2": 2, "AU4": 4}
    with pytest.raises(UserError, match="disfa has no protocol 'x'; known are occurrence8, "):
        protocol("disfa", "x")


def test_leakage_is_counted_and_warned_of(tmp_path: Path) -> None:
    clean = _score(tmp_path, _frames(30, DISFA), leakage={"exact": 0, "near": 0, "subjects": 0, "videos": 0})
    assert clean["leakage"] == {"exact": 0, "near": 0, "subjects": 0, "videos": 0}
    assert "Warning" not in table([tmp_path / "disfa_m.json"])
    seen = _score(tmp_path, _frames(30, DISFA), leakage={"exact": 2, "near": 5, "subjects": 1, "videos": 0})
    assert seen["leakage"] == {"exact": 2, "near": 5, "subjects": 1, "videos": 0}
    warning = table([tmp_path / "disfa_m.json"]).splitlines()[-2]
    assert warning.startswith("Warning: m was trained on 2 of the images of disfa") and "1 of its people" in warning
    summarize([tmp_path / "disfa_m.json"], tmp_path / "summary.csv")
    row = next(iter(csv.DictReader((tmp_path / "summary.csv").open())))
    assert (row["leakage_exact"], row["leakage_near"], row["leakage_subjects"]) == ("2", "5", "1")
    assert _score(tmp_path, _frames(30, DISFA))["leakage"] is None
