"""Labels, outputs and a protocol -> every measure that the protocol asks for, with its draws."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.evaluation.outputs import Labels, Outputs, by_unit, labels_of
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import (
    THRESHOLD,
    Measured,
    means,
    measure_affect,
    measure_intensity,
    measure_occurrence,
    with_events,
)
from affectflow.evaluation.temporal import runs_of
from affectflow.metrics.bootstrap import Bootstrap
from affectflow.metrics.decision import decide
from affectflow.metrics.events import find_events

_MEANS_OF_UNITS = {
    "mean_f1": "f1",
    "mean_f1_validation_threshold": "f1_validation_threshold",
    "mean_f1_always_yes": "f1_always_yes",
    "mean_auc": "auc",
    "mean_accuracy": "accuracy",
}
_MEANS_OF_INTENSITIES = {f"mean_{name}": name for name in ("icc", "pcc", "mae", "mse")}
_INTENSITY_OF = "intensity of "


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Measures by label, by AU for ``intensities``, and by dimension for ``affect``.

    ``unsupported`` are labels that the model was never taught, ``unlabelled`` those that no frame has. ``subjects``
    names what each frame is drawn together with.
    """

    protocol: Protocol
    labels: Labels
    subjects: list[str]
    bootstrap: Bootstrap
    units: dict[str, Measured]
    intensities: dict[str, Measured]
    affect: dict[str, Measured]
    unsupported: list[str]
    unlabelled: list[str]

    def names(self) -> set[str]:
        """Of all that is measured."""
        return {*self.units, *(_INTENSITY_OF + name for name in self.intensities), *self.affect}

    def means(self, of: Collection[str] | None = None) -> tuple[dict[str, float], dict[str, NDArray[np.float64]]]:
        """Means over labels, and their draws; ``of`` limits them to some of the :meth:`names`."""

        def chosen(measured: dict[str, Measured], kind: str = "") -> list[Measured]:
            return [one for name, one in measured.items() if of is None or kind + name in of]

        found, drawn = means(chosen(self.units), _MEANS_OF_UNITS)
        if self.protocol.events:
            more = means(chosen(self.units), {"mean_event_f1": "event_f1"})
            found, drawn = found | more[0], drawn | more[1]
        if self.protocol.intensities:
            more = means(chosen(self.intensities, _INTENSITY_OF), _MEANS_OF_INTENSITIES)
            found, drawn = found | more[0], drawn | more[1]
        if self.protocol.affect:
            more = means(chosen(self.affect), {"mean_ccc": "ccc"})
            found, drawn = found | more[0], drawn | more[1]
        if self.protocol.challenge:
            found["challenge_score"] = (found["mean_accuracy"] + found["mean_f1"]) / 2
            if "mean_f1" in drawn:
                drawn["challenge_score"] = (drawn["mean_accuracy"] + drawn["mean_f1"]) / 2
        return found, drawn


def judge(protocol: Protocol, model: str, outputs: Outputs, draws: int) -> Judged:
    """Raises :class:`UserError` when labels and outputs share nothing."""
    labels = labels_of(protocol, outputs.table)
    subjects = _subjects(protocol, outputs.table)
    bootstrap = Bootstrap(subjects, draws)
    units, unsupported, unlabelled = _units(protocol, labels, outputs, bootstrap)
    intensities = _intensities(protocol, labels, outputs, bootstrap, unsupported, unlabelled)
    affect = _affect(labels, outputs, bootstrap, unsupported, unlabelled)
    if not units and not intensities and not affect:
        wanted = ", ".join(
            [*protocol.labels, *(f"intensity of {facs.label(unit)}" for unit in protocol.intensities), *labels.affect]
        )
        raise UserError(
            f"{model} was taught none of the labels of {protocol.benchmark} ({wanted}); leave this pair out."
        )
    return Judged(protocol, labels, subjects, bootstrap, units, intensities, affect, unsupported, unlabelled)


def f1_of_folds(judged: Judged, outputs: Outputs, runs: Sequence[str]) -> dict[str, float]:
    """The mean F1 at 0.5 of each fold by itself; literature reports the mean of these, or the F1 of all together."""
    probabilities, occurrence = by_unit(outputs.table, "probabilities"), judged.labels.occurrence
    each = {}
    for run, rows in zip(runs, outputs.rows(), strict=True):
        f1s = []
        for name, unit in judged.protocol.labels.items():
            known = occurrence[name][rows] != facs.UNKNOWN
            truth, output = occurrence[name][rows][known] == facs.PRESENT, probabilities[rows, unit - 1][known]
            if truth.any() and not truth.all() and not np.isnan(output).any():
                f1s.append(float(decide(truth, output, THRESHOLD).f1))
        each[run] = float(np.mean(f1s)) if f1s else math.nan
    return each


def _units(
    protocol: Protocol, labels: Labels, outputs: Outputs, bootstrap: Bootstrap
) -> tuple[dict[str, Measured], list[str], list[str]]:
    """Measures by label, the labels that the model was never taught, and those that no frame has."""
    scored: dict[str, Measured] = {}
    unsupported: list[str] = []
    unlabelled: list[str] = []
    probabilities = by_unit(outputs.table, "probabilities") if protocol.labels else np.empty((0, 0), np.float32)
    run = runs_of(outputs.table) if protocol.events else np.empty(0, np.int64)
    for name, unit in protocol.labels.items():
        known = labels.occurrence[name] != facs.UNKNOWN
        if not known.any():
            unlabelled.append(name)
            continue
        answered = _answered(probabilities[:, unit - 1], known, facs.label(unit), outputs)
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
        if protocol.events:
            recorded = find_events(answered & (labels.occurrence[name] == facs.PRESENT), run)
            predicted = find_events(answered & (probabilities[:, unit - 1] >= THRESHOLD), run)
            scored[name] = with_events(scored[name], recorded, predicted, bootstrap.codes, bootstrap)
        if unanswered := int((known & ~answered).sum()):
            scored[name].facts["unanswered"] = unanswered
        if name != facs.label(unit):
            scored[name].facts["scored_by"] = facs.label(unit)
    return scored, unsupported, unlabelled


def _intensities(
    protocol: Protocol,
    labels: Labels,
    outputs: Outputs,
    bootstrap: Bootstrap,
    unsupported: list[str],
    unlabelled: list[str],
) -> dict[str, Measured]:
    """As :func:`_units`, of intensities; adds to the two lists."""
    scored: dict[str, Measured] = {}
    levels = by_unit(outputs.table, "predicted_intensities") if protocol.intensities else np.empty((0, 0), np.float32)
    for unit in protocol.intensities:
        name, known = _INTENSITY_OF + facs.label(unit), ~np.isnan(labels.intensities[unit])
        if not known.any():
            unlabelled.append(name)
            continue
        answered = _answered(levels[:, unit - 1], known, name, outputs)
        if not answered.any():
            unsupported.append(name)
            continue
        truth, output = labels.intensities[unit][answered], levels[answered, unit - 1].astype(np.float64)
        scored[facs.label(unit)] = measure_intensity(truth, output, answered, bootstrap)
        if unanswered := int((known & ~answered).sum()):
            scored[facs.label(unit)].facts["unanswered"] = unanswered
    return scored


def _affect(
    labels: Labels, outputs: Outputs, bootstrap: Bootstrap, unsupported: list[str], unlabelled: list[str]
) -> dict[str, Measured]:
    """As :func:`_intensities`, of valence and arousal."""
    scored: dict[str, Measured] = {}
    for name, truth in labels.affect.items():
        output, known = outputs.table[f"predicted_{name}"].to_numpy().astype(np.float64), ~np.isnan(truth)
        if not known.any():
            unlabelled.append(name)
            continue
        answered = _answered(output, known, name, outputs)
        if not answered.any():
            unsupported.append(name)
            continue
        scored[name] = measure_affect(truth[answered], output[answered], answered, bootstrap)
        if unanswered := int((known & ~answered).sum()):
            scored[name].facts["unanswered"] = unanswered
    return scored


def _answered(
    output: NDArray[np.float32] | NDArray[np.float64], known: NDArray[np.bool_], name: str, outputs: Outputs
) -> NDArray[np.bool_]:
    """Which of the known frames have an output: none where a part was not taught the label."""
    answered = known & ~np.isnan(output)
    if not outputs.whole:
        return answered
    untaught = False
    for rows in outputs.rows():
        if answered[rows].any() and (answered[rows] != known[rows]).any():
            raise UserError(f"The model's output for {name} is no number for some images; train it again.")
        untaught |= bool(known[rows].any() and not answered[rows].any())
    return np.zeros_like(known) if untaught else answered


def _subjects(protocol: Protocol, table: pa.Table) -> list[str]:
    """What each frame is drawn together with in a bootstrap."""
    return table["source" if protocol.subject == "image" else protocol.subject].to_pylist()  # type: ignore[no-any-return]
