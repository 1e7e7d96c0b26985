"""Two models on one benchmark: by how much one is better, with intervals of the difference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.datasets.synthetic import NOTE
from affectflow.evaluation.evaluate import judge
from affectflow.evaluation.outputs import Outputs, Part, read_outputs
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import Measured, plain
from affectflow.metrics.bootstrap import COVERAGE, Bootstrap

Numbers = NDArray[np.float64]
_OF_THE_DATA = ("base_rate", "f1_always_yes", "mean_f1_always_yes")


def compare(protocol: Protocol, models: Mapping[str, Sequence[Part]], draws: int, out: Path) -> None:
    """Write ``results/eval/{benchmark}_{model}-vs-{other}.json``; ``models`` are two.

    Every measure of the first minus that of the second, on the same frames and over the labels that both were taught.
    Both are drawn with the same subjects each time, so that what makes a subject easy for both is no difference
    (paired bootstrap). Raises :class:`UserError` where the two were not scored on the same frames or share no label.
    """
    (first, second), (one, other) = models, (read_outputs(parts) for parts in models.values())
    if not _same_frames(one, other):
        raise UserError(
            f"{first} and {second} are not scored on the same frames of {protocol.benchmark} and cannot be compared."
        )
    judged, beside = judge(protocol, first, one, draws), judge(protocol, second, other, draws)
    shared = judged.names() & beside.names()
    if not shared:
        raise UserError(f"{first} and {second} share no label on {protocol.benchmark}; compare models that do.")
    (found, drawn), (found_beside, drawn_beside) = judged.means(shared), beside.means(shared)
    synthetic = one.described[0]["synthetic"]
    result = {
        "benchmark": protocol.benchmark,
        "model": first,
        "other": second,
        "synthetic": synthetic,
        **({"note": NOTE} if synthetic else {}),
        "protocol": {
            "name": protocol.name,
            "version": protocol.version,
            "title": protocol.title,
            "frames": one.table.num_rows,
            "subjects": len(set(judged.subjects)),
            "intervals": {"of": f"{COVERAGE:.0%}", "drawn": protocol.subject, "draws": draws},
        },
        **_differences(found, found_beside, drawn, drawn_beside, judged.bootstrap),
        "action_units": _of_labels(judged.units, beside.units, judged.bootstrap),
        "intensities": _of_labels(judged.intensities, beside.intensities, judged.bootstrap),
        **_of_labels(judged.affect, beside.affect, judged.bootstrap),
        "not_shared": sorted(judged.names() ^ beside.names()),
    }
    with atomic_write(out) as partial:
        partial.write_text(json.dumps(plain(result), indent=1) + "\n", encoding="utf-8")


def _same_frames(one: Outputs, other: Outputs) -> bool:
    return bool(one.table["source"].to_pylist() == other.table["source"].to_pylist())


def _of_labels(one: Mapping[str, Measured], other: Mapping[str, Measured], bootstrap: Bootstrap) -> dict[str, Any]:
    return {
        name: _differences(one[name].measures, other[name].measures, one[name].draws, other[name].draws, bootstrap)
        for name in one
        if name in other
    }


def _differences(
    one: Mapping[str, float],
    other: Mapping[str, float],
    drawn: Mapping[str, Numbers],
    drawn_other: Mapping[str, Numbers],
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    """By measure: both values, their difference and its interval; without those that are of the data alone."""
    return {
        name: {
            "model": value,
            "other": other[name],
            "difference": value - other[name],
            "interval": bootstrap.interval(drawn[name] - drawn_other[name]),
        }
        for name, value in one.items()
        if name in other and name not in _OF_THE_DATA and not math.isnan(value - other[name])
    }


_SAME_FOR_ALL_SEEDS = ("base_rate", "threshold", "f1_always_yes", "mean_f1_always_yes")
"""The same for every seed."""
_OF_ONE_SEED = ("intervals", "predicted_events")
"""They say how the subjects differ, not how the seeds do, or are counts of one model's."""
_KEYS = ("action_units", "intensities", "valence", "arousal", "challenge_score", "folds", "unsupported", "unlabelled")


def gather_seeds(model: str, scores: Mapping[int, Path], out: Path) -> None:
    """Write ``results/eval/{benchmark}_{model}-seeds.json`` from the score files by seed.

    Every measure has its mean, standard deviation (n - 1), the interval of Student's t that covers the mean with a
    probability of 0.95, and ``each``, in the order of ``seeds``. Where a measure does not exist for a seed (null), the
    others make the mean.
    """
    read = [json.loads(path.read_text(encoding="utf-8")) for path in scores.values()]
    first = read[0]
    result = {
        "benchmark": first["benchmark"],
        "model": model,
        "synthetic": first["synthetic"],
        **({"note": first["note"]} if "note" in first else {}),
        "protocol": first["protocol"],
        "seeds": list(scores),
        **{key: first[key] for key in ("published", "published_note") if key in first},
        "scores": [str(path) for path in scores.values()],
        **{key: _together([score[key] for score in read], key) for key in first if key in _KEYS or key[:5] == "mean_"},
    }
    with atomic_write(out) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _together(values: Sequence[Any], key: str) -> Any:
    """The same structure with every measure's seeds put together."""
    if isinstance(values[0], Mapping):
        names = (name for name in values[0] if name not in _OF_ONE_SEED)
        return {name: _together([value[name] for value in values], name) for name in names}
    measured = any(isinstance(value, float) for value in values)
    return _spread(values) if measured and key not in _SAME_FOR_ALL_SEEDS else values[0]


def _spread(each: Sequence[float | None]) -> dict[str, Any]:
    known = np.array([value for value in each if value is not None])
    mean, deviation, half = float(known.mean()), None, None
    if len(known) > 1:
        deviation = float(known.std(ddof=1))
        half = float(stdtrit(len(known) - 1, (1 + COVERAGE) / 2)) * deviation / len(known) ** 0.5
    return {
        "mean": round(mean, 6),
        "standard_deviation": None if deviation is None else round(deviation, 6),
        "interval_low": None if half is None else round(mean - half, 6),
        "interval_high": None if half is None else round(mean + half, 6),
        "each": list(each),
    }
