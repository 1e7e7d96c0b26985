"""Metrics that a protocol asks for, computed from labels and predictions."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.evaluation.outputs import Labels, Outputs, by_unit, labels_of
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import (
    Estimates,
    MetricResult,
    add_event_f1,
    add_within_subject,
    affect_metrics,
    intensity_metrics,
    means,
    occurrence_metrics,
    rank_by,
)
from affectflow.evaluation.temporal import runs_of, video_codes
from affectflow.facs.emotions import EXPRESSIONS, emotions
from affectflow.facs.expression import THRESHOLD, name_emotions, predicted_levels
from affectflow.metrics.agreement import ccc_by_group
from affectflow.metrics.events import find_events
from affectflow.metrics.jackknife import Jackknife

_UNIT_MEANS = {
    "mean_f1": "f1",
    "mean_f1_validation_threshold": "f1_validation_threshold",
    "mean_f1_always_yes": "f1_always_yes",
    "mean_auc": "auc",
    "mean_accuracy": "accuracy",
}
_EVENT_MEANS = {"mean_event_f1": "event_f1"}
_INTENSITY_MEANS = {f"mean_{name}": name for name in ("icc", "pcc", "mae", "mse")}
_AFFECT_MEANS = {"mean_ccc": "ccc"}
_INTENSITY_OF = "intensity of "


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Metrics of one model by one protocol.

    Attributes:
        protocol: that was followed.
        labels: that were scored.
        subjects: name of the cluster of each frame that the jackknife leaves out, [frames].
        jackknife: over these clusters.
        units: metrics of occurrence by label.
        intensities: metrics of intensity by AU.
        affect: metrics of ``valence`` and ``arousal``.
        unsupported: labels that the model was not trained on.
        unlabelled: labels that no frame has.
    """

    protocol: Protocol
    labels: Labels
    subjects: list[str]
    jackknife: Jackknife
    units: dict[str, MetricResult]
    intensities: dict[str, MetricResult]
    affect: dict[str, MetricResult]
    unsupported: list[str]
    unlabelled: list[str]

    def names(self) -> set[str]:
        """Return the names of all scored labels."""
        return {*self.units, *(_INTENSITY_OF + name for name in self.intensities), *self.affect}

    def counted(self) -> set[str]:
        """Return the names of the labels that count in a mean: those that change."""
        named = {_INTENSITY_OF + name: one for name, one in self.intensities.items()} | self.units | self.affect
        return {name for name, one in named.items() if one.averaged}

    def means(self, among: Collection[str] | None = None) -> Estimates:
        """Return the protocol's means over labels; ``among`` limits them to some of :meth:`names`."""

        def chosen(results: Mapping[str, MetricResult], prefix: str = "") -> list[MetricResult]:
            return [one for name, one in results.items() if among is None or prefix + name in among]

        protocol = self.protocol
        groups = [means(chosen(self.units), _UNIT_MEANS | (_EVENT_MEANS if protocol.events else {}))]
        if protocol.intensities:
            groups.append(means(chosen(self.intensities, _INTENSITY_OF), _INTENSITY_MEANS))
        if protocol.affect:
            groups.append(means(chosen(self.affect), _AFFECT_MEANS))
        values = {name: value for group in groups for name, value in group.values.items()}
        replicates = {name: each for group in groups for name, each in group.replicates.items()}
        mean_of = {name: count for group in groups for name, count in group.mean_of.items()}
        if protocol.challenge:
            values["challenge_score"] = (values["mean_accuracy"] + values["mean_f1"]) / 2
            mean_of["challenge_score"] = mean_of["mean_f1"]
            if "mean_f1" in replicates:
                replicates["challenge_score"] = (replicates["mean_accuracy"] + replicates["mean_f1"]) / 2
        return Estimates(values, replicates, mean_of=mean_of)


def evaluate(
    protocol: Protocol, model: str, outputs: Outputs, among: tuple[Evaluation, NDArray[np.bool_]] | None = None
) -> Evaluation:
    """Compute all metrics of a model by a protocol.

    Args:
        protocol: which labels are scored, and how.
        model: name for messages.
        outputs: predictions and labels of all frames.
        among: the evaluation of all frames, whose jackknife is used, and which of them are evaluated, bool [frames];
            None to evaluate all.

    Raises:
        UserError: no label of the protocol has a prediction, or a model's prediction is NaN for some frames.
    """
    if among is not None:
        of_all, rows = among
        labels, subjects, jackknife = of_all.labels.among(rows), of_all.subjects, of_all.jackknife
    else:
        labels = labels_of(protocol, outputs.table)
        subjects = outputs.table["source" if protocol.subject == "image" else protocol.subject].to_pylist()
        jackknife = Jackknife(subjects)
    unsupported: list[str] = []
    unlabelled: list[str] = []
    units, intensities, affect = (
        _results(model, targets, outputs, unsupported, unlabelled)
        for targets in (
            chain(
                _unit_targets(protocol, labels, outputs, jackknife),
                _expression_targets(protocol, labels, outputs, jackknife),
            ),
            _intensity_targets(labels, outputs, jackknife),
            _affect_targets(labels, outputs, jackknife, by_video=among is None),
        )
    )
    if not units and not intensities and not affect:
        named = EXPRESSIONS if protocol.expressions else ()
        names = [
            *protocol.labels,
            *named,
            *(_INTENSITY_OF + facs.label(unit) for unit in protocol.intensities),
            *labels.affect,
        ]
        raise UserError(
            f"{model} predicts none of the labels of {protocol.benchmark} ({', '.join(names)}); leave this pair of "
            "model and benchmark out."
        )
    return Evaluation(protocol, labels, subjects, jackknife, units, intensities, affect, unsupported, unlabelled)


def means_of_folds(protocol: Protocol, outputs: Outputs) -> list[dict[str, float]]:
    """Return the protocol's means over labels for the frames of each run by itself, NaN where none of them is labelled.

    Args:
        protocol: with folds.
        outputs: predictions and labels of one run for each fold.
    """
    found = []
    for run, rows in zip(outputs.runs, outputs.rows(), strict=True):
        frames = rows.stop - rows.start
        of_fold = Outputs(outputs.table.slice(rows.start, frames), [run], [frames])
        labelled = labels_of(protocol, of_fold.table).used.any()
        found.append(evaluate(protocol, run.run, of_fold).means().values if labelled else {})
    names = dict.fromkeys(name for values in found for name in values)
    return [{name: values.get(name, math.nan) for name in names} for values in found]


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A label of a protocol and the prediction that it is compared with.

    Attributes:
        key: in the score file.
        name: in messages and in the lists of unscored labels.
        known: which frames have the label, bool [frames].
        predicted: prediction of each frame, NaN without one, [frames].
        metrics: of some of the frames, bool [frames].
        facts: that the score file adds to the metrics.
    """

    key: str
    name: str
    known: NDArray[np.bool_]
    predicted: NDArray[np.floating]
    metrics: Callable[[NDArray[np.bool_]], MetricResult]
    facts: Mapping[str, Any] = field(default_factory=dict)


def _results(
    model: str, targets: Iterable[_Target], outputs: Outputs, unsupported: list[str], unlabelled: list[str]
) -> dict[str, MetricResult]:
    """Compute the metrics of each target that can be scored; adds the others to the two lists."""
    results: dict[str, MetricResult] = {}
    for target in targets:
        if not target.known.any():
            unlabelled.append(target.name)
            continue
        rows = _rows_with_prediction(model, target, outputs)
        if not rows.any():
            unsupported.append(target.name)
            continue
        result = target.metrics(rows)
        if without := int((target.known & ~rows).sum()):
            result.facts["without_prediction"] = without
        result.facts.update(target.facts)
        results[target.key] = result
    return results


def _rows_with_prediction(model: str, target: _Target, outputs: Outputs) -> NDArray[np.bool_]:
    """Return which labelled frames have a prediction: none where one of the runs was not trained on the label."""
    rows: NDArray[np.bool_] = target.known & ~np.isnan(target.predicted)
    if not outputs.is_complete:
        return rows
    untrained = False
    for run in outputs.rows():
        if rows[run].any() and (rows[run] != target.known[run]).any():
            raise UserError(
                f"The prediction of {target.name} by {model} is NaN for some frames; train the model again."
            )
        untrained |= bool(target.known[run].any() and not rows[run].any())
    return np.zeros_like(rows) if untrained else rows


def _unit_targets(protocol: Protocol, labels: Labels, outputs: Outputs, jackknife: Jackknife) -> Iterator[_Target]:
    if not protocol.labels:
        return
    probabilities = by_unit(outputs.table, "probabilities")
    intensities = by_unit(outputs.table, "predicted_intensities")
    run = runs_of(outputs.table) if protocol.events else None
    for name, unit in protocol.labels.items():
        label, probability = labels.occurrence[name], probabilities[:, unit - 1]
        yield _Target(
            key=name,
            name=name,
            known=label != facs.UNKNOWN,
            predicted=probability,
            metrics=partial(
                _unit_metrics,
                label == facs.PRESENT,
                probability,
                outputs.thresholds(unit),
                outputs.validation_thresholds(unit),
                None if outputs.is_complete else intensities[:, unit - 1],
                run,
                protocol.within_subject,
                jackknife,
            ),
            facts={} if name == facs.label(unit) else {"scored_by": facs.label(unit)},
        )


def _unit_metrics(
    present: NDArray[np.bool_],
    probability: NDArray[np.float32],
    thresholds: NDArray[np.float64],
    validation_thresholds: NDArray[np.float64] | None,
    intensity: NDArray[np.float32] | None,
    run: NDArray[np.int64] | None,
    within_subject: bool,
    jackknife: Jackknife,
    rows: NDArray[np.bool_],
) -> MetricResult:
    """Compute the metrics of an AU's occurrence, of its events where ``run`` numbers the runs of frames, and, where
    ``within_subject``, the ranking of each person's own frames.

    Of another program, whose outputs may be decisions, ``intensity`` is what it predicts beside them.
    """
    chosen = validation_thresholds[rows] if validation_thresholds is not None else None
    result = occurrence_metrics(present[rows], probability[rows], thresholds[rows], chosen, rows, jackknife)
    if intensity is not None and np.isin(probability[rows], (0, 1)).all():
        ranking = None if np.isnan(intensity[rows]).any() else intensity[rows]
        result = rank_by(result, ranking, present[rows], rows, jackknife)
    if within_subject:
        result = add_within_subject(result, present[rows], probability[rows], rows, jackknife)
    if run is None:
        return result
    labelled = find_events(rows & present, run)
    predicted = find_events(rows & (probability >= thresholds), run)
    return add_event_f1(result, labelled, predicted, jackknife)


def _expression_targets(
    protocol: Protocol, labels: Labels, outputs: Outputs, jackknife: Jackknife
) -> Iterator[_Target]:
    """Yield each expression against the others, so that the mean F1 is the macro F1."""
    if not protocol.expressions:
        return
    predicted, scored_by = _predicted_expressions(protocol.expressions, outputs)
    for name in EXPRESSIONS:
        is_it = np.where(predicted == "", np.nan, predicted == name).astype(np.float32)
        yield _Target(
            key=name,
            name=name,
            known=labels.occurrence[name] != facs.UNKNOWN,
            predicted=is_it,
            metrics=partial(_expression_metrics, labels.occurrence[name] == facs.PRESENT, is_it, jackknife),
            facts={"scored_by": scored_by},
        )


def _expression_metrics(
    present: NDArray[np.bool_], predicted: NDArray[np.float32], jackknife: Jackknife, rows: NDArray[np.bool_]
) -> MetricResult:
    result = occurrence_metrics(present[rows], predicted[rows], THRESHOLD, None, rows, jackknife)
    return rank_by(result, None, present[rows], rows, jackknife)


def _predicted_expressions(table: str, outputs: Outputs) -> tuple[NDArray[np.object_], str]:
    """Return the expression of each frame, empty where there is none, and where it comes from."""
    named = np.array([name or "" for name in outputs.table["predicted_expression"].to_pylist()], object)
    if named.any():
        return named, "expression"
    probabilities = by_unit(outputs.table, "probabilities")
    intensities = by_unit(outputs.table, "predicted_intensities")
    names: list[str] = []
    for run, rows in zip(outputs.runs, outputs.rows(), strict=True):
        levels = predicted_levels(probabilities[rows], intensities[rows], run.thresholds or {})
        names += name_emotions(emotions(table), levels)
    return np.array(names, object), f"action units by {table}"


def _intensity_targets(labels: Labels, outputs: Outputs, jackknife: Jackknife) -> Iterator[_Target]:
    if not labels.intensities:
        return
    levels = by_unit(outputs.table, "predicted_intensities")
    for unit, label in labels.intensities.items():
        predicted = levels[:, unit - 1].astype(np.float64)
        yield _Target(
            key=facs.label(unit),
            name=_INTENSITY_OF + facs.label(unit),
            known=~np.isnan(label),
            predicted=predicted,
            metrics=partial(_series_metrics, intensity_metrics, label, predicted, jackknife),
        )


def _affect_targets(labels: Labels, outputs: Outputs, jackknife: Jackknife, by_video: bool) -> Iterator[_Target]:
    if not labels.affect:
        return
    videos = np.full(outputs.table.num_rows, -1)
    if by_video:
        has_video = [bool(video) for video in outputs.table["video"].to_pylist()]
        videos = np.where(has_video, video_codes(outputs.table), -1)
    for name, label in labels.affect.items():
        predicted = outputs.table[f"predicted_{name}"].to_numpy().astype(np.float64)
        yield _Target(
            key=name,
            name=name,
            known=~np.isnan(label),
            predicted=predicted,
            metrics=partial(_affect_metrics, label, predicted, videos, jackknife),
        )


def _affect_metrics(
    label: NDArray[np.float64],
    predicted: NDArray[np.float64],
    videos: NDArray[np.int64],
    jackknife: Jackknife,
    rows: NDArray[np.bool_],
) -> MetricResult:
    """Compute the metrics of valence or arousal, and the mean CCC of single videos."""
    result = _series_metrics(affect_metrics, label, predicted, jackknife, rows)
    of_video = ccc_by_group(label[rows], predicted[rows], videos[rows])
    if len(of_video) > 1:
        result.facts.update(ccc_by_video=float(np.mean(of_video)), videos=len(of_video))
    return result


def _series_metrics(
    metrics: Callable[..., MetricResult],
    label: NDArray[np.float64],
    predicted: NDArray[np.float64],
    jackknife: Jackknife,
    rows: NDArray[np.bool_],
) -> MetricResult:
    return metrics(label[rows], predicted[rows], rows, jackknife)
