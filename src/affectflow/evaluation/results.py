"""Metric results of single labels and means over labels, with their intervals, and how JSON stores them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow.metrics.agreement import Agreement, terms
from affectflow.metrics.calibration import expected_by_chance, expected_calibration_error, residuals_per_bin
from affectflow.metrics.decision import Decision, outcomes
from affectflow.metrics.events import Events, match
from affectflow.metrics.jackknife import CORRELATION, ERROR, SHARE, Jackknife, Scale
from affectflow.metrics.ranking import average_precision, pairs_within, rankings_without_each, roc_auc

_DECISION_METRICS = (
    *("f1", "precision", "recall", "accuracy", "balanced_accuracy", "kappa"),
    *("base_rate", "f1_always_yes"),
)
_INTENSITY_METRICS = ("icc", "pcc", "mae", "mse")
_AFFECT_METRICS = ("ccc", "pcc", "rmse", "sign_agreement")
_DEFINED_FOR_CONSTANT_LABELS = ("mae", "mse", "rmse", "sign_agreement")

_CORRELATIONS = ("icc", "pcc", "ccc", "kappa")
_ERRORS = ("mae", "mse", "rmse")
_WITHOUT_SKILL = {"auc": 0.5}
"""What an undefined metric counts as in a replicate of a mean; others as 0."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimates:
    """Metrics by name.

    Attributes:
        values: Their values.
        replicates: Their values without each group of the jackknife, [groups].
        holders: In how many groups there is what a metric rests on; for the others in all.
        mean_of: How many labels a mean is of.
    """

    values: dict[str, float]
    replicates: dict[str, Numbers] = field(repr=False)
    holders: dict[str, int] = field(default_factory=dict)
    mean_of: dict[str, int] = field(default_factory=dict)

    def intervals(self, jackknife: Jackknife, scale: Scale | None = None) -> dict[str, Any]:
        """Return the entries ``intervals``, 95% by metric, and ``no_interval``, why others lack one.

        Args:
            jackknife: that the replicates are of.
            scale: on which the intervals are computed; that of each metric by default.
        """
        found = {
            name: jackknife.interval(self.values[name], replicates, scale or scale_of(name), self.holders.get(name))
            for name, replicates in self.replicates.items()
        }
        reasons = {name: one for name, one in found.items() if isinstance(one, str)}
        intervals = {name: None if isinstance(one, str) else one for name, one in found.items()}
        return {"intervals": intervals, **({"no_interval": reasons} if reasons else {})}


def scale_of(metric: str) -> Scale:
    """Return the scale on which the interval of a metric is computed."""
    name = metric.removeprefix("mean_")
    if name in _CORRELATIONS or name in ("valence", "arousal"):  # their CCC
        return CORRELATION
    return ERROR if name in _ERRORS else SHARE


@dataclass(frozen=True, slots=True)
class MetricResult(Estimates):
    """The metrics of one label.

    Attributes:
        facts: what else the score file says about the label, such as its number of frames.
        averaged: metrics that count in means over labels; for labels that never change, the errors alone.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    averaged: tuple[str, ...] = ()

    def entry(self, jackknife: Jackknife) -> dict[str, Any]:
        """Return the label's entry in a score file."""
        return {**self.values, **self.facts, **self.intervals(jackknife)}


def to_json(value: Any) -> Any:
    """Round floats to six digits and replace NaN by None, in nested mappings and sequences."""
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return value


def occurrence_metrics(
    truth: NDArray[np.bool_],
    probability: NDArray[np.float32],
    threshold: float | Numbers,
    validation_thresholds: Numbers | None,
    rows: NDArray[np.bool_],
    jackknife: Jackknife,
) -> MetricResult:
    """Compute metrics of decisions, ranking and calibration for the occurrence of one AU.

    Args:
        truth: whether the AU is present, [selected frames].
        probability: from 0 to 1, [selected frames].
        threshold: probability from which the AU counts as predicted, or that of each frame.
        validation_thresholds: threshold of each frame that was best on validation, for a second F1; None without one.
        rows: which of all frames are selected, bool [frames].
        jackknife: of all frames.
    """

    def decide(threshold: float | Numbers) -> tuple[Decision, Decision]:
        cells = outcomes(truth, probability >= threshold)
        replicates = Decision.of(jackknife.without_each(jackknife.sums(cells, rows)))
        return Decision.of(cells.sum(axis=0)), replicates

    decision, without = decide(threshold)
    auc, precision = rankings_without_each(truth, probability, jackknife.codes[rows], jackknife)
    residuals = residuals_per_bin(truth, probability)
    residuals_without = jackknife.without_each(jackknife.sums(residuals, rows))
    values = {name: float(getattr(decision, name)) for name in _DECISION_METRICS} | {
        "auc": roc_auc(truth, probability),
        "average_precision": average_precision(truth, probability),
        "calibration_error": float(expected_calibration_error(residuals.sum(axis=0), truth.size)),
    }
    replicates = {name: np.asarray(getattr(without, name)) for name in _DECISION_METRICS} | {
        "auc": auc,
        "average_precision": precision,
        "calibration_error": expected_calibration_error(residuals_without, without.frames),
    }
    facts = {
        "calibration_error_by_chance": expected_by_chance(probability),
        **{"positives": int(truth.sum()), "frames": int(truth.size), "threshold": _one_or_several(threshold)},
    }
    if validation_thresholds is not None:
        fitted, fitted_without = decide(validation_thresholds)
        values["f1_validation_threshold"] = float(fitted.f1)
        replicates["f1_validation_threshold"] = np.asarray(fitted_without.f1)
        facts["validation_threshold"] = _one_or_several(validation_thresholds)
    holders = dict.fromkeys(replicates, _holders_of_rarer(truth, rows, jackknife))
    averaged = tuple(values) if decision.both_classes else ()
    return MetricResult(values, replicates, holders, facts=facts, averaged=averaged)


def rank_by(
    result: MetricResult,
    ranking: NDArray[np.floating] | None,
    truth: NDArray[np.bool_],
    rows: NDArray[np.bool_],
    jackknife: Jackknife,
) -> MetricResult:
    """Return the metrics of an AU whose probabilities are 0 or 1 only, ranked by its intensities.

    Decisions are not probabilities: they have no calibration, and without intensities no ranking.

    Args:
        result: metrics of the AU's occurrence.
        ranking: intensities, [selected frames]; None without any.
        truth: whether the AU is present, [selected frames].
        rows: which of all frames are selected, bool [frames].
        jackknife: of all frames.
    """
    without = ("auc", "average_precision", "calibration_error")
    values = {**result.values, **dict.fromkeys(without, math.nan)}
    replicates = {name: one for name, one in result.replicates.items() if name not in without}
    if ranking is not None:
        auc, precision = rankings_without_each(truth, ranking, jackknife.codes[rows], jackknife)
        values |= {"auc": roc_auc(truth, ranking), "average_precision": average_precision(truth, ranking)}
        replicates |= {"auc": auc, "average_precision": precision}
    ranked_by = "nothing" if ranking is None else "intensity"
    return replace(
        result,
        values=values,
        replicates=replicates,
        facts={**result.facts, "calibration_error_by_chance": math.nan, "ranked_by": ranked_by},
    )


def _holders_of_rarer(truth: NDArray[np.bool_], rows: NDArray[np.bool_], jackknife: Jackknife) -> int:
    """Return how many groups have positives, or negatives where fewer have these."""
    classes = jackknife.sums(np.stack([truth, ~truth], axis=-1), rows)
    return int((classes > 0).sum(axis=0).min())


def _one_or_several(thresholds: float | Numbers) -> float | list[float]:
    distinct: list[float] = np.unique(thresholds).tolist()
    return distinct[0] if len(distinct) == 1 else distinct


def intensity_metrics(
    truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], jackknife: Jackknife
) -> MetricResult:
    """Compute ICC(3,1), PCC, MAE and MSE of intensities from 0 to 5; arguments as for :func:`occurrence_metrics`."""
    return _agreement_metrics(truth, predicted, rows, jackknife, _INTENSITY_METRICS)


def affect_metrics(truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], jackknife: Jackknife) -> MetricResult:
    """Compute CCC, PCC, RMSE and sign agreement in [-1, 1]; arguments as for :func:`occurrence_metrics`."""
    return _agreement_metrics(truth, predicted, rows, jackknife, _AFFECT_METRICS)


def add_event_f1(result: MetricResult, labelled: Events, predicted: Events, jackknife: Jackknife) -> MetricResult:
    """Return the metrics of an AU's occurrence with the F1 of its events added.

    Args:
        result: metrics of the AU's occurrence.
        labelled: events in the labels, as rows of all frames.
        predicted: events in the predictions, as rows of all frames.
        jackknife: of all frames.
    """
    found = match(labelled, predicted)
    missed = np.ones(len(labelled), bool)
    missed[found[found >= 0]] = False
    onsets = (predicted.onset[found >= 0], predicted.onset[found < 0], labelled.onset[missed])
    columns = [np.bincount(jackknife.codes[rows], minlength=jackknife.count) for rows in onsets]
    counts = np.stack(columns, axis=-1).astype(float)
    f1, replicates = _event_f1(counts.sum(axis=0)), _event_f1(jackknife.without_each(counts))
    return replace(
        result,
        values={**result.values, "event_f1": float(f1)},
        replicates={**result.replicates, "event_f1": replicates},
        holders={**result.holders, "event_f1": int((counts.sum(axis=1) > 0).sum())},
        facts={**result.facts, "events": len(labelled), "predicted_events": len(predicted)},
        averaged=(*result.averaged, "event_f1") if len(labelled) else result.averaged,
    )


def add_within_subject(
    result: MetricResult,
    present: NDArray[np.bool_],
    probability: NDArray[np.float32],
    rows: NDArray[np.bool_],
    jackknife: Jackknife,
) -> MetricResult:
    """Return the metrics of an AU's occurrence with the ranking of each person's own frames added.

    Args:
        result: metrics of the AU's occurrence.
        present: whether the AU is present, [selected frames].
        probability: from 0 to 1, [selected frames].
        rows: which of all frames are selected, bool [frames].
        jackknife: of all frames, by person.
    """
    of_people = pairs_within(present, probability, jackknife.cluster_codes[rows], jackknife.clusters)
    right, pairs = (np.bincount(jackknife.group_of, one, minlength=jackknife.count) for one in of_people)
    all_right, all_pairs = float(right.sum()), float(pairs.sum())
    if not all_pairs:
        return result
    with np.errstate(invalid="ignore"):
        without = (all_right - right) / (all_pairs - pairs)
    return replace(
        result,
        values={**result.values, "auc_within_subject": all_right / all_pairs},
        replicates={**result.replicates, "auc_within_subject": without},
        holders={**result.holders, "auc_within_subject": int((pairs > 0).sum())},
        facts={**result.facts, "pairs_within_subject": int(all_pairs)},
    )


def means(results: Sequence[MetricResult], names: Mapping[str, str]) -> Estimates:
    """Average metrics over labels.

    Args:
        results: one for each label.
        names: metric that each mean is of, by the name of the mean.

    Returns:
        The means, NaN where no label counts; these have no replicates.
    """
    values, replicates, mean_of = {}, {}, {}
    for mean, name in names.items():
        counted = [one for one in results if name in one.averaged and not math.isnan(one.values[name])]
        values[mean] = float(np.mean([one.values[name] for one in counted])) if counted else math.nan
        mean_of[mean] = len(counted)
        if counted:
            each = np.stack([one.replicates[name] for one in counted])
            replicates[mean] = np.where(np.isnan(each), _WITHOUT_SKILL.get(name, 0.0), each).mean(axis=0)
    return Estimates(values, replicates, mean_of=mean_of)


def _event_f1(counts: Numbers) -> Numbers:
    """Return F1 from true positives, false positives and false negatives, [..., 3]; NaN where all are 0."""
    true_positives, false_positives, false_negatives = np.moveaxis(counts, -1, 0)
    total = 2 * true_positives + false_positives + false_negatives
    f1: Numbers = np.divide(2 * true_positives, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return f1


def _agreement_metrics(
    truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], jackknife: Jackknife, names: tuple[str, ...]
) -> MetricResult:
    sums, offset = terms(truth, predicted)
    agreement = Agreement.of(sums.sum(axis=0), offset)
    by_group = jackknife.sums(sums, rows)
    without = Agreement.of(jackknife.without_each(by_group), offset)
    return MetricResult(
        values={name: float(getattr(agreement, name)) for name in names},
        replicates={name: np.asarray(getattr(without, name)) for name in names},
        holders=dict.fromkeys(names, int((by_group[:, 0] > 0).sum())),
        facts={"frames": int(truth.size)},
        averaged=names if np.ptp(truth) > 0 else tuple(name for name in names if name in _DEFINED_FOR_CONSTANT_LABELS),
    )
