"""Scores by condition: for which images and which people a model does worse.

Frames are grouped by what was measured of their crop, by labels of how the head is held (AUs 51 to 56), and by what a
table says of the people. All groups of a condition are resampled together, so that a difference between two of them
takes into account that the same people may be in both.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.core.errors import UserError
from affectflow.datasets.face import CENTER, FACE, HELD, MISSING
from affectflow.evaluation.evaluate import Evaluation, evaluate
from affectflow.evaluation.outputs import Outputs, by_unit
from affectflow.evaluation.protocols import Protocol
from affectflow.evaluation.results import Estimates
from affectflow.evaluation.subjects import SubjectTable
from affectflow.metrics.jackknife import PLAIN

FEWEST = 8
"""Of fewer people a group has no scores: they would be those of single people."""
_CROPS = {
    FACE: "face found",
    HELD: "face lost, at its last position",
    CENTER: "no face, center of the image",
    MISSING: "no image",
}
_BOUNDS = {
    "face_size": ("px", (50.0, 100.0, 200.0)),
    "yaw": ("degrees", (15.0, 30.0)),
}
"""Ends of the groups of what is measured in units, the same for all benchmarks."""
_THIRDS = {"brightness": ("dark", "medium", "bright"), "sharpness": ("blurred", "medium", "sharp")}
"""What has no natural bounds is divided into thirds of the benchmark's frames."""
_POSES = {
    "head turned left or right": (51, 52),
    "head up or down": (53, 54),
    "head tilted": (55, 56),
}
_NOT_COMPARED = ("mean_f1_always_yes",)


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """Groups of frames.

    Attributes:
        name: Of the condition.
        groups: Which frames are in a group, bool [frames], by its name, in order.
    """

    name: str
    groups: Mapping[str, NDArray[np.bool_]]


def conditions_of(table: pa.Table, used: NDArray[np.bool_], subjects: SubjectTable | None) -> Iterator[Condition]:
    """Yield the conditions by which the frames of a benchmark differ.

    Args:
        table: of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`, one row for each frame.
        used: which frames are scored, bool [frames].
        subjects: what is known of the people; None without a table.
    """
    for condition in (*_of_images(table, used), *_of_poses(table), *_of_people(table, subjects)):
        groups = {name: rows & used for name, rows in condition.groups.items() if (rows & used).any()}
        if len(groups) > 1:
            yield Condition(condition.name, groups)


def condition_scores(
    protocol: Protocol, model: str, outputs: Outputs, of_all: Evaluation, subjects: SubjectTable | None
) -> dict[str, Any]:
    """Return the entry ``conditions`` of a score file.

    Args:
        protocol: which labels are scored, and how.
        model: name for messages.
        outputs: predictions and labels of all frames.
        of_all: their evaluation.
        subjects: what is known of the people; None without a table.

    Raises:
        UserError: the table is of none of the people.
    """
    if subjects is not None:
        subjects.check(outputs.table[subjects.key].to_pylist())
    people = np.unique(of_all.subjects, return_inverse=True)[1]
    used = of_all.labels.used
    plain = protocol.model_copy(update={"events": False, "within_subject": False})  # of a part of the frames
    entries = {}
    for condition in conditions_of(outputs.table, used, subjects):
        facts: dict[str, dict[str, Any]] = {}
        evaluated: dict[str, _Group] = {}
        for name, rows in condition.groups.items():
            count = len(np.unique(people[rows]))
            facts[name] = {"frames": int(rows.sum()), "subjects": count}
            if count >= FEWEST and (found := _evaluated(plain, model, outputs, of_all, rows)) is not None:
                evaluated[name] = found
        reference = max(evaluated, key=lambda name: facts[name]["frames"], default=None)
        for name, found in evaluated.items():
            facts[name] |= _scores(found)
            if reference is not None and name != reference:
                facts[name]["difference"] = _difference(found, evaluated[reference])
        known = np.any(list(condition.groups.values()), axis=0)
        entries[condition.name] = {
            "unknown_frames": int((used & ~known).sum()),
            "reference": reference,
            "groups": facts,
        }
    return entries


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The evaluation of a group, and in how many groups of the jackknife it has frames."""

    evaluation: Evaluation
    holders: int


def _evaluated(
    protocol: Protocol, model: str, outputs: Outputs, of_all: Evaluation, rows: NDArray[np.bool_]
) -> _Group | None:
    try:
        found = evaluate(protocol, model, outputs, (of_all, rows))
    except UserError:  # none of the labels that the model predicts is known here
        return None
    return _Group(found, len(np.unique(found.jackknife.codes[rows])))


def _scores(group: _Group) -> dict[str, Any]:
    found = _estimates(group)
    return {**found.values, "mean_of": found.mean_of, **found.intervals(group.evaluation.jackknife)}


def _difference(group: _Group, reference: _Group) -> dict[str, Any]:
    """Return how much a group's means differ from the reference's, over the labels that count in both."""
    shared = group.evaluation.counted() & reference.evaluation.counted()
    one, other = _estimates(group, shared), _estimates(reference, shared)
    names = [
        name
        for name in one.replicates
        if name in other.replicates and name not in _NOT_COMPARED and not math.isnan(one.values[name])
    ]
    differences = Estimates(
        {name: one.values[name] - other.values[name] for name in names},
        {name: one.replicates[name] - other.replicates[name] for name in names},
        {name: min(one.holders[name], other.holders[name]) for name in names},
        {name: count for name, count in one.mean_of.items() if name in names},
    )
    intervals = differences.intervals(group.evaluation.jackknife, PLAIN)
    return {**differences.values, "mean_of": differences.mean_of, **intervals}


def _estimates(group: _Group, among: set[str] | None = None) -> Estimates:
    """Return a group's means, and the CCC of valence and arousal."""
    means = group.evaluation.means(among)
    counted = group.evaluation.counted() if among is None else among
    affect = {name: one for name, one in group.evaluation.affect.items() if name in counted}
    values = means.values | {name: one.values["ccc"] for name, one in affect.items()}
    replicates = means.replicates | {name: one.replicates["ccc"] for name, one in affect.items()}
    return Estimates(values, replicates, dict.fromkeys(values, group.holders), means.mean_of)


def _of_images(table: pa.Table, used: NDArray[np.bool_]) -> Iterator[Condition]:
    crops = np.array(table["crop"].to_pylist(), object)
    yield Condition("crop", {title: crops == crop for crop, title in _CROPS.items()})
    for name, (unit, bounds) in _BOUNDS.items():
        yield Condition(name, _between(np.abs(_numbers(table, name)), bounds, unit))
    for name, titles in _THIRDS.items():
        yield Condition(name, _thirds(_numbers(table, name), used, titles))


def _numbers(table: pa.Table, name: str) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = table[name].to_numpy().astype(np.float64)
    return numbers


def _between(values: NDArray[np.float64], bounds: Sequence[float], unit: str) -> dict[str, NDArray[np.bool_]]:
    titles = [f"below {bounds[0]:g} {unit}"]
    titles += [f"{low:g} to {high:g} {unit}" for low, high in itertools.pairwise(bounds)]
    titles += [f"from {bounds[-1]:g} {unit}"]
    ends = [-math.inf, *bounds, math.inf]
    ranges = zip(titles, itertools.pairwise(ends), strict=True)
    return {title: (low <= values) & (values < high) for title, (low, high) in ranges}


def _thirds(
    values: NDArray[np.float64], used: NDArray[np.bool_], titles: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    known = values[used & ~np.isnan(values)]
    if not known.size:
        return {}
    low, high = (float(f"{value:.3g}") for value in np.quantile(known, (1 / 3, 2 / 3)))
    names = (f"{titles[0]}, below {low:g}", f"{titles[1]}, {low:g} to {high:g}", f"{titles[2]}, from {high:g}")
    return dict(zip(names, (values < low, (low <= values) & (values < high), values >= high), strict=True))


def _of_poses(table: pa.Table) -> Iterator[Condition]:
    units = by_unit(table, "units")
    for name, pose in _POSES.items():
        labels = units[:, [unit - 1 for unit in pose]]
        present, absent = (labels == facs.PRESENT).any(axis=1), (labels == facs.ABSENT).all(axis=1)
        yield Condition(f"{name} (labelled)", {"no": absent, "yes": present})


def _of_people(table: pa.Table, subjects: SubjectTable | None) -> Iterator[Condition]:
    if subjects is None:
        return
    names = table[subjects.key].to_pylist()
    for column in subjects.columns:
        values = np.array(subjects.values(column, names), object)
        groups = {value: values == value for value in sorted(set(subjects.columns[column].values()))}
        yield Condition(column, groups)
