"""Comparison of two models on one benchmark, and of one model's seeds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.evaluation.evaluate import evaluate
from affectflow.evaluation.outputs import Outputs, RunPredictions, read_outputs
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import Estimates
from affectflow.evaluation.score import bootstrap_entry, heading, write_result
from affectflow.metrics.bootstrap import CONFIDENCE, Bootstrap

_DATA_METRICS = ("base_rate", "f1_always_yes", "mean_f1_always_yes")
"""Metrics of the benchmark, the same for every model."""
_SAME_FOR_ALL_SEEDS = (*_DATA_METRICS, "threshold")
_NOT_COMBINED = ("intervals", "predicted_events")
"""Intervals say how subjects vary, not how seeds do; numbers of predicted events are of one model each."""
_SEED_KEYS = (
    *("action_units", "intensities", "valence", "arousal", "challenge_score", "folds"),
    *("unsupported", "unlabelled"),
)
"""Entries of a score file that are combined over seeds, beside the means over labels."""


def compare(
    protocol: Protocol, models: Mapping[str, Sequence[RunPredictions]], bootstrap_samples: int, out: Path
) -> None:
    """Write the differences between two models' metrics, ``results/eval/{benchmark}_{model}-vs-{other}.json``.

    A difference is the first model's metric minus the second's, on the same frames and over the labels that both
    were trained on. The bootstrap is paired: both models are resampled with the same subjects, so that how hard a
    subject is for both does not widen the interval.

    Args:
        protocol: which labels are scored, and how.
        models: two models by name, each with one run or with one for each fold.
        bootstrap_samples: number of samples for the intervals.
        out: JSON file.

    Raises:
        UserError: the two were not scored on the same frames, or have no label in common.
    """
    (first, second), (one, other) = models, (read_outputs(runs) for runs in models.values())
    if not _same_frames(one, other):
        raise UserError(
            f"{first} and {second} are not scored on the same frames of {protocol.benchmark} and cannot be compared; "
            "predict the benchmark again with both."
        )
    evaluation = evaluate(protocol, first, one, bootstrap_samples)
    other_evaluation = evaluate(protocol, second, other, bootstrap_samples)
    shared = evaluation.names() & other_evaluation.names()
    if not shared:
        raise UserError(f"{first} and {second} share no label on {protocol.benchmark}; compare models that do.")
    bootstrap = evaluation.bootstrap
    result = {
        **heading(protocol, first, one, other=second),
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "title": protocol.title,
            "frames": one.table.num_rows,
            "subjects": len(set(evaluation.subjects)),
            "intervals": bootstrap_entry(protocol, bootstrap_samples),
        },
        **_differences(evaluation.means(shared), other_evaluation.means(shared), bootstrap),
        "action_units": _label_differences(evaluation.units, other_evaluation.units, bootstrap),
        "intensities": _label_differences(evaluation.intensities, other_evaluation.intensities, bootstrap),
        **_label_differences(evaluation.affect, other_evaluation.affect, bootstrap),
        "not_shared": sorted(evaluation.names() ^ other_evaluation.names()),
    }
    write_result(out, result)


def _same_frames(one: Outputs, other: Outputs) -> bool:
    return bool(one.table["source"].to_pylist() == other.table["source"].to_pylist())


def _label_differences(
    one: Mapping[str, Estimates], other: Mapping[str, Estimates], bootstrap: Bootstrap
) -> dict[str, Any]:
    return {name: _differences(one[name], other[name], bootstrap) for name in one if name in other}


def _differences(one: Estimates, other: Estimates, bootstrap: Bootstrap) -> dict[str, Any]:
    """Return both values of each metric with their difference and its interval, without metrics of the data alone."""
    return {
        name: {
            "model": value,
            "other": other.values[name],
            "difference": value - other.values[name],
            "interval": bootstrap.interval(one.samples[name] - other.samples[name]),
        }
        for name, value in one.values.items()
        if name in other.values and name not in _DATA_METRICS and not math.isnan(value - other.values[name])
    }


def gather_seeds(model: str, scores: Mapping[int, Path], out: Path) -> None:
    """Combine the score files of one model's seeds into ``results/eval/{benchmark}_{model}-seeds.json``.

    Each metric has its mean, its standard deviation (n - 1), the 95% interval of the mean by Student's t, and
    ``each``, its values in the order of ``seeds``. Where a metric is undefined (null) for a seed, the mean is of the
    others.

    Args:
        model: name for the file.
        scores: score files by seed.
        out: JSON file.
    """
    read = [json.loads(path.read_text(encoding="utf-8")) for path in scores.values()]
    first = read[0]
    combined = [key for key in first if key in _SEED_KEYS or key.startswith("mean_")]
    result = {
        "benchmark": first["benchmark"],
        "model": model,
        "synthetic": first["synthetic"],
        **({"note": first["note"]} if "note" in first else {}),
        "protocol": first["protocol"],
        "seeds": list(scores),
        **{key: first[key] for key in ("published", "published_note") if key in first},
        "scores": [str(path) for path in scores.values()],
        **{key: _combine([score[key] for score in read], key) for key in combined},
    }
    with atomic_write(out) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _combine(values: Sequence[Any], key: str) -> Any:
    """Combine the seeds' values of each metric within the same nested structure."""
    if isinstance(values[0], Mapping):
        names = (name for name in values[0] if name not in _NOT_COMBINED)
        return {name: _combine([value[name] for value in values], name) for name in names}
    is_metric = any(isinstance(value, float) for value in values)
    return _spread(values) if is_metric and key not in _SAME_FOR_ALL_SEEDS else values[0]


def _spread(each: Sequence[float | None]) -> dict[str, Any]:
    known = np.array([value for value in each if value is not None])
    mean, deviation, half = float(known.mean()), None, None
    if len(known) > 1:
        deviation = float(known.std(ddof=1))
        half = float(stdtrit(len(known) - 1, (1 + CONFIDENCE) / 2)) * deviation / len(known) ** 0.5
    return {
        "mean": round(mean, 6),
        "standard_deviation": None if deviation is None else round(deviation, 6),
        "interval_low": None if half is None else round(mean - half, 6),
        "interval_high": None if half is None else round(mean + half, 6),
        "each": list(each),
    }
