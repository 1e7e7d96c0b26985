"""Results as JSON holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow.metrics.agreement import Agreement, terms
from affectflow.metrics.bootstrap import Bootstrap
from affectflow.metrics.calibration import calibration_error, gaps
from affectflow.metrics.decision import Decision, outcomes
from affectflow.metrics.events import Events, match
from affectflow.metrics.ranking import average_precision, draw_rankings, roc_auc


def plain(value: Any) -> Any:
    """Rounded to six digits, and null where a measure does not exist."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


THRESHOLD = 0.5
_OF_DECISIONS = ("f1", "precision", "recall", "accuracy", "balanced_accuracy", "kappa", "base_rate", "f1_always_yes")
_OF_INTENSITIES = ("icc", "pcc", "mae", "mse")
_ERRORS = ("mae", "mse", "rmse", "sign_agreement")
_OF_AFFECT = ("ccc", "pcc", "rmse", "sign_agreement")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Measures by name, what else is said of them, and each measure's draws of the bootstrap, [draws].

    ``in_means`` names those that count in means over labels: of labels that never change, errors alone.
    """

    measures: dict[str, float]
    facts: dict[str, Any]
    draws: dict[str, Numbers] = field(repr=False)
    in_means: tuple[str, ...]

    def entry(self, bootstrap: Bootstrap) -> dict[str, Any]:
        """As it stands in a score file."""
        return {**self.measures, **self.facts, "intervals": intervals(self.draws, bootstrap)}


def intervals(draws: Mapping[str, Numbers], bootstrap: Bootstrap) -> dict[str, tuple[float, float] | None]:
    """The 95% interval of each measure."""
    return {name: bootstrap.interval(drawn) for name, drawn in draws.items()}


def measure_occurrence(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float32],
    thresholds: Numbers | None,
    known: NDArray[np.bool_],
    bootstrap: Bootstrap,
) -> Measured:
    """Decisions at 0.5 and at ``thresholds`` (one for each frame, None where there are none), ranking, calibration.

    ``truth`` and ``probability`` are of the ``known`` frames alone. Draws in which one class is missing have no
    measure.
    """

    def decide(cuts: float | Numbers) -> tuple[Decision, Decision]:
        found = outcomes(truth, probability >= cuts)
        return Decision.of(found.sum(axis=0)), Decision.of(bootstrap.draw(bootstrap.gather(found, known)))

    decision, drawn = decide(THRESHOLD)
    both = drawn.both_classes
    auc, precision = draw_rankings(truth, probability, bootstrap.codes[known], bootstrap)
    gap = gaps(truth, probability)
    measures = {name: float(getattr(decision, name)) for name in _OF_DECISIONS} | {
        "auc": roc_auc(truth, probability),
        "average_precision": average_precision(truth, probability),
        "calibration_error": float(calibration_error(gap.sum(axis=0), truth.size)),
    }
    draws = {name: np.where(both, getattr(drawn, name), np.nan) for name in _OF_DECISIONS} | {
        "auc": auc,
        "average_precision": precision,
        "calibration_error": calibration_error(bootstrap.draw(bootstrap.gather(gap, known)), drawn.frames),
    }
    facts = {"positives": int(truth.sum()), "frames": int(truth.size), "threshold": THRESHOLD}
    if thresholds is not None:
        fitted, of_draws = decide(thresholds)
        measures["f1_validation_threshold"] = float(fitted.f1)
        draws["f1_validation_threshold"] = np.where(both, of_draws.f1, np.nan)
        cuts = np.unique(thresholds)
        facts["validation_threshold"] = float(cuts[0]) if len(cuts) == 1 else cuts.tolist()
    return Measured(measures, facts, draws, tuple(measures) if decision.both_classes else ())


def measure_intensity(truth: Numbers, output: Numbers, known: NDArray[np.bool_], bootstrap: Bootstrap) -> Measured:
    """ICC(3,1), PCC, MAE and MSE of intensities from 0 to 5, of the ``known`` frames alone."""
    return _measure_tracks(truth, output, known, bootstrap, _OF_INTENSITIES)


def measure_affect(truth: Numbers, output: Numbers, known: NDArray[np.bool_], bootstrap: Bootstrap) -> Measured:
    """CCC, PCC, RMSE and sign agreement of values in [-1, 1], of the ``known`` frames alone."""
    return _measure_tracks(truth, output, known, bootstrap, _OF_AFFECT)


def with_events(
    measured: Measured,
    recorded: Events,
    predicted: Events,
    codes: NDArray[np.int64],
    bootstrap: Bootstrap,
) -> Measured:
    """Measures of an occurrence, and F1 of its events; ``codes`` is the bootstrap's cluster of each row."""
    found = match(recorded, predicted)
    missed = np.ones(len(recorded), bool)
    missed[found[found >= 0]] = False
    rows = (predicted.onset[found >= 0], predicted.onset[found < 0], recorded.onset[missed])
    counts = np.stack([np.bincount(codes[onsets], minlength=bootstrap.count) for onsets in rows], axis=-1).astype(float)
    f1, drawn = _event_f1(counts.sum(axis=0)), _event_f1(bootstrap.draw(counts))
    return replace(
        measured,
        measures={**measured.measures, "event_f1": float(f1)},
        facts={**measured.facts, "events": len(recorded), "predicted_events": len(predicted)},
        draws={**measured.draws, "event_f1": drawn},
        in_means=(*measured.in_means, "event_f1") if len(recorded) else measured.in_means,
    )


def _event_f1(counts: Numbers) -> Numbers:
    """Of events that were found, called in vain and missed, [..., 3]; NaN where there is none of them."""
    found, vain, missed = np.moveaxis(counts, -1, 0)
    total = 2 * found + vain + missed
    f1: Numbers = np.divide(2 * found, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return f1


def means(measured: list[Measured], names: Mapping[str, str]) -> tuple[dict[str, float], dict[str, Numbers]]:
    """Means over labels and the draws of them; ``names`` maps the name of a mean to its measure's."""
    found, draws = {}, {}
    for mean, name in names.items():
        counted = [one for one in measured if name in one.in_means and not math.isnan(one.measures[name])]
        found[mean] = float(np.mean([one.measures[name] for one in counted])) if counted else math.nan
        if counted:
            draws[mean] = _mean_of_draws(np.stack([one.draws[name] for one in counted]))
    return found, draws


def _measure_tracks(
    truth: Numbers, output: Numbers, known: NDArray[np.bool_], bootstrap: Bootstrap, names: tuple[str, ...]
) -> Measured:
    sums, apart = terms(truth, output)
    whole = Agreement.of(sums.sum(axis=0), apart)
    drawn = Agreement.of(bootstrap.draw(bootstrap.gather(sums, known)), apart)
    return Measured(
        {name: float(getattr(whole, name)) for name in names},
        {"frames": int(truth.size)},
        {name: np.asarray(getattr(drawn, name)) for name in names},
        names if np.ptp(truth) > 0 else tuple(name for name in names if name in _ERRORS),
    )


def _mean_of_draws(each: Numbers) -> Numbers:
    """Means over labels, [draws], of those that a draw has."""
    known = ~np.isnan(each)
    count = known.sum(axis=0)
    total = np.where(known, each, 0.0).sum(axis=0)
    mean: Numbers = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
