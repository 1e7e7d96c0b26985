"""Comparison of two models on one benchmark, and of one model's seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from affectflow.contracts.comparison import ComparisonFile
from affectflow.contracts.json_file import Part
from affectflow.contracts.score import Heading, Means, ScoreFile
from affectflow.contracts.seeds import SeedsFile
from affectflow.core.errors import UserError
from affectflow.evaluation.evaluate import evaluate
from affectflow.evaluation.outputs import RunPredictions, answer_all, read_outputs
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import Estimates, to_json
from affectflow.evaluation.score import heading, interval_method
from affectflow.metrics.jackknife import CONFIDENCE, PLAIN, Jackknife, holm

_DATA_METRICS = ("base_rate", "f1_always_yes", "mean_f1_always_yes")
"""Metrics of the benchmark, the same for every model."""
_SAME_FOR_ALL_SEEDS = _DATA_METRICS
_NOT_COMBINED = ("intervals", "no_interval", "predicted_events")
"""Intervals say how subjects vary, not how seeds do; numbers of predicted events are of one model each."""
_LABELS = ("action_units", "intensities", "valence", "arousal", "folds")


def compare(protocol: Protocol, models: Mapping[str, Sequence[RunPredictions]], out: Path) -> None:
    """Write the differences between two models' metrics, ``results/eval/{benchmark}_{model}-vs-{other}.json``.

    A difference is the first model's metric minus the second's, on the same frames and over the labels that both
    were trained on. The jackknife is paired: the same subject is left out of both, so that how hard a subject is
    for both does not widen the interval.

    Args:
        protocol: which labels are scored, and how.
        models: two models by name, each with one run or with one for each fold.
        out: JSON file.

    Raises:
        UserError: the two were not scored on the same frames, or have no label in common.
    """
    (first, second), (one, other) = models, (answer_all(read_outputs(runs)) for runs in models.values())
    sources, other_sources = (each.table["source"].to_pylist() for each in (one, other))
    if sources != other_sources:
        raise UserError(
            f"{first} and {second} are not scored on the same frames of {protocol.benchmark} and cannot be compared: "
            f"{_without(second, sources, other_sources)}, {_without(first, other_sources, sources)}. Predict the "
            "benchmark again with both."
        )
    evaluation = evaluate(protocol, first, one)
    other_evaluation = evaluate(protocol, second, other)
    shared = evaluation.names() & other_evaluation.names()
    if not shared:
        raise UserError(f"{first} and {second} share no label on {protocol.benchmark}; compare models that do.")
    jackknife = evaluation.jackknife
    entries = {
        **heading(protocol, first, one, other=second),
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "title": protocol.title,
            "frames": one.table.num_rows,
            "subjects": len(set(evaluation.subjects)),
            "intervals": interval_method(evaluation),
        },
        **_differences(evaluation.means(shared), other_evaluation.means(shared), jackknife),
        "action_units": _label_differences(evaluation.units, other_evaluation.units, jackknife),
        "intensities": _label_differences(evaluation.intensities, other_evaluation.intensities, jackknife),
        **_label_differences(evaluation.affect, other_evaluation.affect, jackknife),
        "not_shared": sorted(evaluation.names() ^ other_evaluation.names()),
    }
    ComparisonFile.model_validate(to_json(entries)).write(out)


def _without(name: str, wanted: list[str], present: list[str]) -> str:
    """Say how many of the wanted frames a model's predictions lack, with the first of them."""
    lacking = sorted(set(wanted).difference(present))
    return f"{name} lacks {len(lacking):,}" + (f" ({lacking[0]} first)" if lacking else "")


def _label_differences(
    one: Mapping[str, Estimates], other: Mapping[str, Estimates], jackknife: Jackknife
) -> dict[str, Any]:
    found = {name: _differences(one[name], other[name], jackknife) for name in one if name in other}
    for metric in {metric for entry in found.values() for metric in entry}:
        entries = [entry[metric] for entry in found.values() if metric in entry]
        for entry, corrected in zip(entries, holm([entry["p"] for entry in entries]), strict=True):
            entry["p_holm"] = corrected
    return found


def _differences(one: Estimates, other: Estimates, jackknife: Jackknife) -> dict[str, Any]:
    """Return both values of each metric with their difference and its interval, without metrics of the data alone."""
    return {
        name: _difference(name, one, other, jackknife)
        for name, value in one.values.items()
        if name in other.values and name not in _DATA_METRICS and not math.isnan(value - other.values[name])
    }


def _difference(name: str, one: Estimates, other: Estimates, jackknife: Jackknife) -> dict[str, Any]:
    difference = one.values[name] - other.values[name]
    replicates = one.replicates[name] - other.replicates[name]
    holders = min(each.holders.get(name, jackknife.count) for each in (one, other))
    interval = jackknife.interval(difference, replicates, PLAIN, holders)
    return {
        "model": one.values[name],
        "other": other.values[name],
        "difference": difference,
        "p": jackknife.p_value(difference, replicates, holders),
        **({"interval": None, "no_interval": interval} if isinstance(interval, str) else {"interval": interval}),
    }


def gather_seeds(model: str, scores: Mapping[int, Path], out: Path) -> None:
    """Combine the score files of one model's seeds into ``results/eval/{benchmark}_{model}-seeds.json``.

    Each metric has its mean, its standard deviation (n - 1), the 95% interval of the mean by Student's t, and
    ``each``, its values in the order of ``seeds``. Where a metric is undefined for a seed, or its score lacks the
    label, it is null in ``each`` and the mean is of the others.

    Args:
        model: name for the file.
        scores: score files by seed.
        out: JSON file.
    """
    read = [ScoreFile.read(path) for path in scores.values()]
    first = read[0]
    means = [name for name in Means.model_fields if name in first.model_fields_set]
    labels = [name for name in _LABELS if name in first.model_fields_set]
    same = (*Heading.model_fields, "protocol", "published", "published_note", "unsupported", "unlabelled")
    SeedsFile.model_validate(
        {
            **{name: getattr(first, name) for name in same if name in first.model_fields_set},
            "model": model,
            "seeds": tuple(scores),
            "scores": tuple(map(str, scores.values())),
            **{name: _combine([getattr(score, name) for score in read], name) for name in means},
            **{name: _combine([_to_plain(getattr(score, name)) for score in read], name) for name in labels},
        }
    ).write(out)


def _combine(values: Sequence[Any], key: str) -> Any:
    """Combine the seeds' values of each metric within the same nested structure; None where a seed has none."""
    known = [value for value in values if value is not None]
    if known and isinstance(known[0], Mapping):
        names = dict.fromkeys(name for value in known for name in value if name not in _NOT_COMBINED)
        return {name: _combine([(value or {}).get(name) for value in values], name) for name in names}
    is_metric = any(isinstance(value, float) for value in known)
    if is_metric and key not in _SAME_FOR_ALL_SEEDS:
        return _spread(values)
    return known[0] if known else None


def _to_plain(part: Part | Mapping[str, Part] | None) -> Any:
    """Return a part of a score file, or parts by name, as nested mappings without what was not scored."""
    if isinstance(part, Part):
        return part.model_dump(exclude_unset=True)
    return part and {name: _to_plain(one) for name, one in part.items()}


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
