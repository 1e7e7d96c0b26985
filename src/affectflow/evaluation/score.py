"""Predictions -> the score file of one model on one benchmark."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.errors import UserError
from affectflow.evaluation.predictions import LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA
from affectflow.evaluation.protocols import PROTOCOLS, Protocol
from affectflow.evaluation.variants import VARIANTS, Labels, Variant
from affectflow.faces.framing import CENTRE, FACE, HELD
from affectflow.fingerprint import file_sha256
from affectflow.measures.agreement import agree
from affectflow.measures.decision import decide
from affectflow.measures.ranking import average_precision, roc_auc
from affectflow.synthetic import NOTE
from affectflow.tables import read_csv, read_parquet, whole

THRESHOLD = 0.5
_PACKAGES = ("affectflow", "numpy", "pyarrow", "av", "pillow", "keras", "tensorflow-cpu", "tensorflow")


def score(
    benchmark: str,
    run: str,
    predictions: Path,
    left_out: Path,
    card: Path,
    model: Path,
    snapshot: Path | None,
    config_sha256: str,
    code_sha256: str,
    out: Path,
) -> None:
    """Write ``results/eval/{benchmark}_{model}.json``.

    An AU that the model was never taught stands under ``unsupported``, one that no frame is labelled for under
    ``unlabelled``; neither counts in a mean, nor does one of which the benchmark shows only one class. Other protocols
    in use on the benchmark are scored under ``variants``. ``snapshot`` is
    the card of the downloaded pictures that the model was trained or is scored on, None where there are none. Raises
    :class:`UserError` when the two share no label.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    protocol = PROTOCOLS[benchmark]
    taught = json.loads(card.read_text(encoding="utf-8"))
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    labels, probabilities = _labels(protocol, table), _matrix(table, "probabilities")
    units, unsupported, unlabelled = _units(protocol, labels, probabilities, taught["thresholds"])
    crops = Counter(table["crop"].to_pylist())
    affect = {name: _affect(table, name) if protocol.affect else None for name in ("valence", "arousal")}
    if not units and not any(affect.values()):
        wanted = ", ".join([*protocol.labels, *(("valence", "arousal") if protocol.affect else ())])
        raise UserError(f"{run} was taught none of the labels of {benchmark} ({wanted}); leave this pair out.")
    result = {
        "benchmark": benchmark,
        "model": run,
        "synthetic": taught["synthetic"],
        **({"note": NOTE} if taught["synthetic"] else {}),
        "protocol": {
            "name": protocol.name,
            "positive_if": protocol.positive_if,
            "threshold": f"probability >= {THRESHOLD}",
            "frames": table.num_rows,
            "labelled_frames": _labelled(labels),
            "subjects": _count_subjects(protocol, table),
            "crops": {how: crops[how] for how in (FACE, HELD, CENTRE)},
            "left_out": {row["reason"]: int(row["count"]) for row in read_csv(left_out, LEFT_OUT_COLUMNS)},
        },
        **_means(units),
        "action_units": units,
        **affect,
        "variants": {
            name: _variant(variant, protocol, table, labels, probabilities, taught["thresholds"])
            for name, variant in VARIANTS.get(benchmark, {}).items()
        },
        "unsupported": unsupported,
        "unlabelled": unlabelled,
        "snapshot": json.loads(snapshot.read_text(encoding="utf-8")) if snapshot is not None else None,
        "provenance": {
            "config_sha256": config_sha256,
            "code_sha256": code_sha256,
            "inputs": {"model": file_sha256(model), "predictions": file_sha256(predictions)},
            "versions": {"python": platform.python_version(), **_versions()},
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - clock, 3),
        },
    }
    with whole(out) as partial:
        partial.write_text(json.dumps(_plain(result), indent=1) + "\n", encoding="utf-8")


def _labels(protocol: Protocol, table: pa.Table) -> Labels:
    occurrence = _matrix(table, "units")
    others = [dict(entry) for entry in table["other"].to_pylist()]
    return {
        name: occurrence[:, unit - 1]
        if name == facs.label(unit)
        else np.array([other.get(name, facs.UNKNOWN) for other in others], np.int8)
        for name, unit in protocol.labels.items()
    }


def _units(
    protocol: Protocol, labels: Labels, probabilities: NDArray[np.float32], thresholds: Mapping[str, float]
) -> tuple[dict[str, dict[str, float]], list[str], list[str]]:
    """Measures by label, the labels that the model was never taught, and those that no frame has."""
    scored: dict[str, dict[str, float]] = {}
    unsupported: list[str] = []
    unlabelled: list[str] = []
    for name, unit in protocol.labels.items():
        known = labels[name] != facs.UNKNOWN
        if not known.any():
            unlabelled.append(name)
            continue
        outputs = probabilities[known, unit - 1]
        if np.isnan(outputs).all():
            unsupported.append(name)
            continue
        if np.isnan(outputs).any():
            raise UserError(
                f"The model's output for {facs.label(unit)} is no number for some pictures; train it again."
            )
        scored[name] = _measures(labels[name][known] == facs.PRESENT, outputs, thresholds[facs.label(unit)])
        if name != facs.label(unit):
            scored[name]["scored_by"] = facs.label(unit)  # type: ignore[assignment]
    return scored, unsupported, unlabelled


def _variant(
    variant: Variant,
    protocol: Protocol,
    table: pa.Table,
    labels: Labels,
    probabilities: NDArray[np.float32],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    changed = variant.labels(table, labels)
    units, _, _ = _units(protocol, changed, probabilities, thresholds)
    return {
        "positive_if": variant.positive_if,
        "labelled_frames": _labelled(changed),
        **_means(units),
        "action_units": units,
    }


def _labelled(labels: Labels) -> int:
    """Frames in which any of the labels is known."""
    if not labels:
        return 0
    return int(np.any([known != facs.UNKNOWN for known in labels.values()], axis=0).sum())


def _means(units: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        "mean_f1": _mean(units, "f1"),
        "mean_f1_validation_threshold": _mean(units, "f1_validation_threshold"),
        "mean_f1_always_yes": _mean(units, "f1_always_yes"),
        "mean_auc": _mean(units, "auc"),
    }


def _measures(truth: NDArray[np.bool_], outputs: NDArray[np.float32], validation_threshold: float) -> dict[str, float]:
    decision = decide(truth, outputs, THRESHOLD)
    base_rate = float(truth.mean())
    return {
        "f1": float(decision.f1),
        "precision": float(decision.precision),
        "recall": float(decision.recall),
        "accuracy": float(decision.accuracy),
        "auc": roc_auc(truth, outputs),
        "average_precision": average_precision(truth, outputs),
        "positives": int(truth.sum()),
        "frames": int(truth.size),
        "base_rate": base_rate,
        "f1_always_yes": 2 * base_rate / (1 + base_rate),
        "threshold": THRESHOLD,
        "f1_validation_threshold": float(decide(truth, outputs, validation_threshold).f1),
        "validation_threshold": validation_threshold,
    }


def _affect(table: pa.Table, dimension: str) -> dict[str, float] | None:
    truth = table[dimension].to_numpy().astype(np.float64)
    predicted = table[f"predicted_{dimension}"].to_numpy().astype(np.float64)
    known = ~np.isnan(truth) & ~np.isnan(predicted)
    if not known.any():
        return None
    found = agree(truth[known], predicted[known])
    return {
        "ccc": float(found.ccc),
        "pcc": float(found.pcc),
        "rmse": float(found.rmse),
        "frames": int(known.sum()),
    }


def _mean(units: Mapping[str, Mapping[str, float]], measure: str) -> float:
    """Mean over the AUs of which both classes occur."""
    values = [m[measure] for m in units.values() if 0 < m["positives"] < m["frames"]]
    return float(np.mean(values)) if values else math.nan


def _matrix(table: pa.Table, column: str) -> NDArray[Any]:
    flat: NDArray[Any] = table[column].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(table.num_rows, facs.COUNT)


def _count_subjects(protocol: Protocol, table: pa.Table) -> int:
    if protocol.subject == "picture":
        return int(table.num_rows)
    return len(set(table[protocol.subject].to_pylist()))


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # one of the two builds of TensorFlow is installed
    return versions


def _plain(value: Any) -> Any:
    """Rounded to six digits, and null where a measure does not exist."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
