"""Scores of one model trained from several seeds -> their mean, spread and each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtrit

from affectflow.tables import whole

COVERAGE = 0.95
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
    with whole(out) as partial:
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
