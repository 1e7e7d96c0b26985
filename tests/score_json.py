"""A complete score file, of which tests change single keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectflow.contracts.score import ScoreFile

UNIT: dict[str, Any] = {
    **{"f1": 0.5, "precision": 0.5, "recall": 0.5, "accuracy": 0.5, "balanced_accuracy": 0.5, "kappa": 0.0},
    **{"base_rate": 0.25, "f1_always_yes": 0.4, "auc": None, "average_precision": 0.5, "calibration_error": 0.1},
    **{"positives": 7, "frames": 28, "threshold": 0.5, "intervals": {}},
}
INTENSITY: dict[str, Any] = {"icc": 0.5, "pcc": 0.5, "mae": 1.0, "mse": 1.0, "frames": 28, "intervals": {}}
AFFECT: dict[str, Any] = {"ccc": 0.5, "pcc": 0.5, "rmse": 0.5, "sign_agreement": 0.5, "frames": 28, "intervals": {}}
VALUES: dict[str, Any] = {
    "benchmark": "disfa",
    "model": "m",
    "synthetic": False,
    "protocol": {
        **{"name": "occurrence8", "version": 1, "title": "DISFA", "source": "a paper"},
        **{"frames": 28, "used_frames": 28, "left_out": {}, "all_frames": 28, "subjects": 3, "crops": {"face": 28}},
        "intervals": {
            **{"confidence": "95%", "method": "jackknife", "resampled": "subject", "clusters": 3, "replicates": 3}
        },
    },
    "intervals": {},
    "mean_of": {},
    "action_units": {},
    "intensities": {},
    "valence": None,
    "arousal": None,
    "unsupported": (),
    "unlabelled": (),
    "leakage": None,
    "published_note": "",
    "published": (),
    "snapshot": None,
    "provenance": {
        **{"config_sha256": "c", "code_sha256": "d", "inputs": {}, "versions": {}},
        **{"started": "2026-01-01T00:00:00+00:00", "seconds": 1.0},
    },
}


def score_json(path: Path, **changes: Any) -> Path:
    """Write the file and return its path."""
    ScoreFile(**VALUES | changes).write(path)
    return path
