"""Metric results of single labels and means over labels, with their bootstrap samples, and how JSON stores them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow.metrics.agreement import Agreement, terms
from affectflow.metrics.bootstrap import Bootstrap
from affectflow.metrics.calibration import expected_calibration_error, residuals_per_bin
from affectflow.metrics.decision import Decision, outcomes
from affectflow.metrics.events import Events, match
from affectflow.metrics.ranking import average_precision, bootstrap_rankings, roc_auc

THRESHOLD = 0.5
"""Probability from which an AU counts as predicted."""
_DECISION_METRICS = (
    *("f1", "precision", "recall", "accuracy", "balanced_accuracy", "kappa"),
    *("base_rate", "f1_always_yes"),
)
_INTENSITY_METRICS = ("icc", "pcc", "mae", "mse")
_AFFECT_METRICS = ("ccc", "pcc", "rmse", "sign_agreement")
_DEFINED_FOR_CONSTANT_LABELS = ("mae", "mse", "rmse", "sign_agreement")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimates:
    """Metrics by name: their values, and their values in each bootstrap sample, [samples]."""

    values: dict[str, float]
    samples: dict[str, Numbers] = field(repr=False)

    def intervals(self, bootstrap: Bootstrap) -> dict[str, tuple[float, float] | None]:
        """Return the 95% interval of each metric."""
        return {name: bootstrap.interval(samples) for name, samples in self.samples.items()}


@dataclass(frozen=True, slots=True)
class MetricResult(Estimates):
    """The metrics of one label.

    Attributes:
        facts: what else the score file says about the label, such as its number of frames.
        averaged: metrics that count in means over labels; for labels that never change, the errors alone.
    """

    facts: dict[str, Any]
    averaged: tuple[str, ...]

    def entry(self, bootstrap: Bootstrap) -> dict[str, Any]:
        """Return the label's entry in a score file."""
        return {**self.values, **self.facts, "intervals": self.intervals(bootstrap)}


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
    thresholds: Numbers | None,
    rows: NDArray[np.bool_],
    bootstrap: Bootstrap,
) -> MetricResult:
    """Compute metrics of decisions, ranking and calibration for the occurrence of one AU.

    Bootstrap samples in which one class is missing have no metrics.

    Args:
        truth: whether the AU is present, [selected frames].
        probability: from 0 to 1, [selected frames].
        thresholds: threshold of each frame from validation, for a second F1; None without validation.
        rows: which of all frames are selected, bool [frames].
        bootstrap: of all frames.
    """

    def decide(threshold: float | Numbers) -> tuple[Decision, Decision]:
        cells = outcomes(truth, probability >= threshold)
        samples = Decision.of(bootstrap.resample(bootstrap.sum_by_cluster(cells, rows)))
        return Decision.of(cells.sum(axis=0)), samples

    decision, sampled = decide(THRESHOLD)
    defined = sampled.both_classes
    auc, precision = bootstrap_rankings(truth, probability, bootstrap.codes[rows], bootstrap)
    residuals = residuals_per_bin(truth, probability)
    sampled_residuals = bootstrap.resample(bootstrap.sum_by_cluster(residuals, rows))
    values = {name: float(getattr(decision, name)) for name in _DECISION_METRICS} | {
        "auc": roc_auc(truth, probability),
        "average_precision": average_precision(truth, probability),
        "calibration_error": float(expected_calibration_error(residuals.sum(axis=0), truth.size)),
    }
    samples = {name: np.where(defined, getattr(sampled, name), np.nan) for name in _DECISION_METRICS} | {
        "auc": auc,
        "average_precision": precision,
        "calibration_error": expected_calibration_error(sampled_residuals, sampled.frames),
    }
    facts = {"positives": int(truth.sum()), "frames": int(truth.size), "threshold": THRESHOLD}
    if thresholds is not None:
        fitted, sampled_fitted = decide(thresholds)
        values["f1_validation_threshold"] = float(fitted.f1)
        samples["f1_validation_threshold"] = np.where(defined, sampled_fitted.f1, np.nan)
        distinct = np.unique(thresholds)
        facts["validation_threshold"] = float(distinct[0]) if len(distinct) == 1 else distinct.tolist()
    return MetricResult(values, samples, facts, tuple(values) if decision.both_classes else ())


def intensity_metrics(
    truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], bootstrap: Bootstrap
) -> MetricResult:
    """Compute ICC(3,1), PCC, MAE and MSE of intensities from 0 to 5; arguments as for :func:`occurrence_metrics`."""
    return _agreement_metrics(truth, predicted, rows, bootstrap, _INTENSITY_METRICS)


def affect_metrics(truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], bootstrap: Bootstrap) -> MetricResult:
    """Compute CCC, PCC, RMSE and sign agreement in [-1, 1]; arguments as for :func:`occurrence_metrics`."""
    return _agreement_metrics(truth, predicted, rows, bootstrap, _AFFECT_METRICS)


def add_event_f1(result: MetricResult, labelled: Events, predicted: Events, bootstrap: Bootstrap) -> MetricResult:
    """Return the metrics of an AU's occurrence with the F1 of its events added.

    Args:
        result: metrics of the AU's occurrence.
        labelled: events in the labels, as rows of all frames.
        predicted: events in the predictions, as rows of all frames.
        bootstrap: of all frames.
    """
    found = match(labelled, predicted)
    missed = np.ones(len(labelled), bool)
    missed[found[found >= 0]] = False
    onsets = (predicted.onset[found >= 0], predicted.onset[found < 0], labelled.onset[missed])
    codes = bootstrap.codes
    columns = [np.bincount(codes[rows], minlength=bootstrap.count) for rows in onsets]
    counts = np.stack(columns, axis=-1).astype(float)
    f1, samples = _event_f1(counts.sum(axis=0)), _event_f1(bootstrap.resample(counts))
    return replace(
        result,
        values={**result.values, "event_f1": float(f1)},
        samples={**result.samples, "event_f1": samples},
        facts={**result.facts, "events": len(labelled), "predicted_events": len(predicted)},
        averaged=(*result.averaged, "event_f1") if len(labelled) else result.averaged,
    )


def means(results: Sequence[MetricResult], names: Mapping[str, str]) -> Estimates:
    """Average metrics over labels.

    Args:
        results: one for each label.
        names: metric that each mean is of, by the name of the mean.

    Returns:
        The means, NaN where no label counts; these have no bootstrap samples.
    """
    values, samples = {}, {}
    for mean, name in names.items():
        counted = [one for one in results if name in one.averaged and not math.isnan(one.values[name])]
        values[mean] = float(np.mean([one.values[name] for one in counted])) if counted else math.nan
        if counted:
            samples[mean] = _mean_over_labels(np.stack([one.samples[name] for one in counted]))
    return Estimates(values, samples)


def _event_f1(counts: Numbers) -> Numbers:
    """Return F1 from true positives, false positives and false negatives, [..., 3]; NaN where all are 0."""
    true_positives, false_positives, false_negatives = np.moveaxis(counts, -1, 0)
    total = 2 * true_positives + false_positives + false_negatives
    f1: Numbers = np.divide(2 * true_positives, total, out=np.full(np.shape(total), np.nan), where=total > 0)
    return f1


def _agreement_metrics(
    truth: Numbers, predicted: Numbers, rows: NDArray[np.bool_], bootstrap: Bootstrap, names: tuple[str, ...]
) -> MetricResult:
    sums, offset = terms(truth, predicted)
    agreement = Agreement.of(sums.sum(axis=0), offset)
    sampled = Agreement.of(bootstrap.resample(bootstrap.sum_by_cluster(sums, rows)), offset)
    return MetricResult(
        values={name: float(getattr(agreement, name)) for name in names},
        samples={name: np.asarray(getattr(sampled, name)) for name in names},
        facts={"frames": int(truth.size)},
        averaged=names if np.ptp(truth) > 0 else tuple(name for name in names if name in _DEFINED_FOR_CONSTANT_LABELS),
    )


def _mean_over_labels(each: Numbers) -> Numbers:
    """Average [labels, samples] over the labels whose metric is defined in a sample; returns [samples]."""
    defined = ~np.isnan(each)
    count = defined.sum(axis=0)
    total = np.where(defined, each, 0.0).sum(axis=0)
    mean: Numbers = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
