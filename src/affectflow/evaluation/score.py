"""Predictions -> the score file of one model by one protocol."""

from __future__ import annotations

import importlib.metadata
import json
import math
import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.errors import UserError
from affectflow.evaluation.labels import Labels, by_unit, labels_of
from affectflow.evaluation.measured import (
    THRESHOLD,
    Measured,
    intervals,
    means,
    measure_affect,
    measure_intensity,
    measure_occurrence,
)
from affectflow.evaluation.predictions import LEFT_OUT_COLUMNS, PREDICTIONS_SCHEMA
from affectflow.faces.framing import CENTRE, FACE, HELD
from affectflow.fingerprint import file_sha256
from affectflow.measures.bootstrap import COVERAGE, Bootstrap
from affectflow.measures.decision import decide
from affectflow.protocols import Protocol
from affectflow.synthetic import NOTE
from affectflow.tables import read_csv, read_parquet, whole

_PACKAGES = ("affectflow", "numpy", "pyarrow", "av", "pillow", "keras", "tensorflow-cpu", "tensorflow")
_MEANS_OF_UNITS = {
    "mean_f1": "f1",
    "mean_f1_validation_threshold": "f1_validation_threshold",
    "mean_f1_always_yes": "f1_always_yes",
    "mean_auc": "auc",
    "mean_accuracy": "accuracy",
}
_MEANS_OF_INTENSITIES = {f"mean_{name}": name for name in ("icc", "pcc", "mae", "mse")}


@dataclass(frozen=True, slots=True)
class Part:
    """The predictions of one run or program, and what was left out when they were made.

    ``described`` says whether it is ``synthetic`` and which ``thresholds`` its validation asked for. Others'
    predictions have none, may lack outputs for single frames, and say which ``program`` made them and how many of its
    rows are of no use (``unused_rows``). ``inputs`` are files to cite by their digests.
    """

    run: str
    predictions: Path
    left_out: Path
    described: Mapping[str, Any]
    inputs: Mapping[str, Path]

    @classmethod
    def of_run(cls, run: str, predictions: Path, left_out: Path, card: Path, model: Path) -> Part:
        """Of a model that was trained here."""
        described = json.loads(card.read_text(encoding="utf-8"))
        return cls(run, predictions, left_out, described, {"model": model, "predictions": predictions})


@dataclass(frozen=True, slots=True, eq=False)
class _Outputs:
    """All parts' frames, one after the other; ``described`` and ``frames`` are of each part."""

    table: pa.Table
    described: list[Mapping[str, Any]]
    frames: list[int]

    @property
    def whole(self) -> bool:
        """Whether there must be an output for each frame, or none at all: from models that were trained here."""
        return all("thresholds" in one for one in self.described)

    def thresholds(self, unit: int) -> NDArray[np.float64] | None:
        """Each frame's threshold of an AU, which its run's validation asked for."""
        if not self.whole:
            return None
        return np.repeat([float(one["thresholds"][facs.label(unit)]) for one in self.described], self.frames)


def score(
    protocol: Protocol,
    model: str,
    parts: Sequence[Part],
    snapshot: Path | None,
    draws: int,
    config_sha256: str,
    code_sha256: str,
    out: Path,
) -> None:
    """Write ``results/eval/{benchmark}_{model}.json``, or ``{benchmark}-{protocol}_{model}.json``.

    There is one part, or one for each fold of a protocol of folds; their frames are scored together. A label that the
    model was never taught stands under ``unsupported``, one that no frame has under ``unlabelled``; neither counts in
    a mean, nor does one of which the benchmark shows only one class. Every measure has its interval under
    ``intervals``. ``snapshot`` is the card of the downloaded pictures that the model was trained or is scored on,
    None where there are none. Raises :class:`UserError` when labels and outputs share nothing.
    """
    started = datetime.now(UTC)
    clock = time.perf_counter()
    outputs = _read(parts)
    labels = labels_of(protocol, outputs.table)
    subjects = _subjects(protocol, outputs.table)
    bootstrap = Bootstrap(subjects, draws)
    units, unsupported, unlabelled = _units(protocol, labels, outputs, bootstrap)
    intensities = _intensities(protocol, labels, outputs, bootstrap, unsupported, unlabelled)
    affect = {name: _affect(labels, outputs.table, name, bootstrap) for name in ("valence", "arousal")}
    if not units and not intensities and not any(affect.values()):
        wanted = ", ".join(
            [*protocol.labels, *(f"intensity of {facs.label(unit)}" for unit in protocol.intensities), *labels.affect]
        )
        raise UserError(
            f"{model} was taught none of the labels of {protocol.benchmark} ({wanted}); leave this pair out."
        )
    synthetic = outputs.described[0]["synthetic"]
    found, drawn = _means(protocol, units, intensities, affect)
    left_out = _left_out(parts, labels)
    result = {
        "benchmark": protocol.benchmark,
        "model": model,
        "synthetic": synthetic,
        **({"note": NOTE} if synthetic else {}),
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "title": protocol.title,
            "source": protocol.source,
            **({"positive_if": protocol.positive_if} if protocol.labels else {}),
            **({"threshold": f"probability >= {THRESHOLD}"} if protocol.labels else {}),
            "frames": outputs.table.num_rows,
            "used_frames": int(labels.used.sum()),
            "left_out": left_out,
            "all_frames": int(labels.used.sum()) + sum(left_out.values()),
            "subjects": len(set(subjects)),
            "crops": _crops(outputs.table),
            "intervals": {"of": f"{COVERAGE:.0%}", "drawn": protocol.subject, "draws": draws},
        },
        **found,
        "intervals": intervals(drawn, bootstrap),
        "action_units": {name: one.entry(bootstrap) for name, one in units.items()},
        "intensities": {name: one.entry(bootstrap) for name, one in intensities.items()},
        **{name: one.entry(bootstrap) if one else None for name, one in affect.items()},
        **({"folds": _folds(protocol, labels, outputs, parts)} if protocol.folds else {}),
        "unsupported": unsupported,
        "unlabelled": unlabelled,
        **_foreign(parts[0].described),
        "published": [{"model": p.model, "measure": p.measure, "value": p.value} for p in protocol.published],
        "snapshot": json.loads(snapshot.read_text(encoding="utf-8")) if snapshot is not None else None,
        "provenance": {
            "config_sha256": config_sha256,
            "code_sha256": code_sha256,
            "inputs": _inputs(parts),
            "versions": {"python": platform.python_version(), **_versions()},
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - clock, 3),
        },
    }
    with whole(out) as partial:
        partial.write_text(json.dumps(_plain(result), indent=1) + "\n", encoding="utf-8")


def _read(parts: Sequence[Part]) -> _Outputs:
    tables = [read_parquet(part.predictions, PREDICTIONS_SCHEMA) for part in parts]
    return _Outputs(pa.concat_tables(tables), [part.described for part in parts], [t.num_rows for t in tables])


def _left_out(parts: Sequence[Part], labels: Labels) -> dict[str, int]:
    left_out: Counter[str] = Counter()
    for part in parts:
        left_out.update({row["reason"]: int(row["count"]) for row in read_csv(part.left_out, LEFT_OUT_COLUMNS)})
    return dict(left_out + labels.left_out)


def _units(
    protocol: Protocol, labels: Labels, outputs: _Outputs, bootstrap: Bootstrap
) -> tuple[dict[str, Measured], list[str], list[str]]:
    """Measures by label, the labels that the model was never taught, and those that no frame has."""
    scored: dict[str, Measured] = {}
    unsupported: list[str] = []
    unlabelled: list[str] = []
    probabilities = by_unit(outputs.table, "probabilities") if protocol.labels else np.empty((0, 0), np.float32)
    for name, unit in protocol.labels.items():
        known = labels.occurrence[name] != facs.UNKNOWN
        if not known.any():
            unlabelled.append(name)
            continue
        answered = _answered(probabilities[:, unit - 1], known, unit, outputs.whole)
        if not answered.any():
            unsupported.append(name)
            continue
        thresholds = outputs.thresholds(unit)
        scored[name] = measure_occurrence(
            labels.occurrence[name][answered] == facs.PRESENT,
            probabilities[answered, unit - 1],
            thresholds[answered] if thresholds is not None else None,
            answered,
            bootstrap,
        )
        if unanswered := int((known & ~answered).sum()):
            scored[name].facts["unanswered"] = unanswered
        if name != facs.label(unit):
            scored[name].facts["scored_by"] = facs.label(unit)
    return scored, unsupported, unlabelled


def _intensities(
    protocol: Protocol,
    labels: Labels,
    outputs: _Outputs,
    bootstrap: Bootstrap,
    unsupported: list[str],
    unlabelled: list[str],
) -> dict[str, Measured]:
    """As :func:`_units`, of intensities; adds to the two lists."""
    scored: dict[str, Measured] = {}
    levels = by_unit(outputs.table, "predicted_intensities") if protocol.intensities else np.empty((0, 0), np.float32)
    for unit in protocol.intensities:
        known = ~np.isnan(labels.intensities[unit])
        if not known.any():
            unlabelled.append(f"intensity of {facs.label(unit)}")
            continue
        answered = _answered(levels[:, unit - 1], known, unit, outputs.whole)
        if not answered.any():
            unsupported.append(f"intensity of {facs.label(unit)}")
            continue
        truth, output = labels.intensities[unit][answered], levels[answered, unit - 1].astype(np.float64)
        scored[facs.label(unit)] = measure_intensity(truth, output, answered, bootstrap)
        if unanswered := int((known & ~answered).sum()):
            scored[facs.label(unit)].facts["unanswered"] = unanswered
    return scored


def _answered(output: NDArray[np.float32], known: NDArray[np.bool_], unit: int, whole: bool) -> NDArray[np.bool_]:
    """Which of the known frames have an output; ``whole`` says that all must, or none."""
    answered = known & ~np.isnan(output)
    if whole and answered.any() and answered.sum() < known.sum():
        raise UserError(f"The model's output for {facs.label(unit)} is no number for some pictures; train it again.")
    return answered


def _affect(labels: Labels, table: pa.Table, dimension: str, bootstrap: Bootstrap) -> Measured | None:
    if dimension not in labels.affect:
        return None
    truth, output = labels.affect[dimension], table[f"predicted_{dimension}"].to_numpy().astype(np.float64)
    known = ~np.isnan(truth) & ~np.isnan(output)
    return measure_affect(truth[known], output[known], known, bootstrap) if known.any() else None


def _means(
    protocol: Protocol,
    units: Mapping[str, Measured],
    intensities: Mapping[str, Measured],
    affect: Mapping[str, Measured | None],
) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
    """Means over labels, and their draws."""
    found, drawn = means(list(units.values()), _MEANS_OF_UNITS)
    if protocol.intensities:
        more = means(list(intensities.values()), _MEANS_OF_INTENSITIES)
        found, drawn = found | more[0], drawn | more[1]
    if protocol.affect:
        more = means([one for one in affect.values() if one], {"mean_ccc": "ccc"})
        found, drawn = found | more[0], drawn | more[1]
    if protocol.challenge:
        found["challenge_score"] = (found["mean_accuracy"] + found["mean_f1"]) / 2
        if "mean_f1" in drawn:
            drawn["challenge_score"] = (drawn["mean_accuracy"] + drawn["mean_f1"]) / 2
    return found, drawn


def _folds(protocol: Protocol, labels: Labels, outputs: _Outputs, parts: Sequence[Part]) -> dict[str, Any]:
    """The F1 of each fold by itself, at 0.5, and their mean; literature reports either this or the pooled one."""
    probabilities = by_unit(outputs.table, "probabilities")
    ends = np.cumsum(outputs.frames)
    each = {}
    for part, end, frames in zip(parts, ends, outputs.frames, strict=True):
        rows = slice(end - frames, end)
        f1s = []
        for name, unit in protocol.labels.items():
            known = labels.occurrence[name][rows] != facs.UNKNOWN
            truth, output = labels.occurrence[name][rows][known] == facs.PRESENT, probabilities[rows, unit - 1][known]
            if truth.any() and not truth.all() and not np.isnan(output).any():
                f1s.append(float(decide(truth, output, THRESHOLD).f1))
        each[part.run] = float(np.mean(f1s)) if f1s else math.nan
    known_folds = [f1 for f1 in each.values() if not math.isnan(f1)]
    return {"mean_f1": each, "mean_of_folds_f1": float(np.mean(known_folds)) if known_folds else math.nan}


def _foreign(described: Mapping[str, Any]) -> dict[str, Any]:
    return {key: described[key] for key in ("program", "unused_rows") if key in described}


def _subjects(protocol: Protocol, table: pa.Table) -> list[str]:
    """What each frame is drawn together with in a bootstrap."""
    return table["source" if protocol.subject == "picture" else protocol.subject].to_pylist()  # type: ignore[no-any-return]


def _crops(table: pa.Table) -> dict[str, int]:
    crops = Counter(table["crop"].to_pylist())
    return {how: crops[how] for how in (FACE, HELD, CENTRE)}


def _inputs(parts: Sequence[Part]) -> dict[str, str]:
    """Digests of what was scored, by name, or with folds by run and name."""
    return {
        (f"{part.run}/{name}" if len(parts) > 1 else name): file_sha256(path)
        for part in parts
        for name, path in part.inputs.items()
    }


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
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value
