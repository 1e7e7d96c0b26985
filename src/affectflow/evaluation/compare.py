"""Two models on one benchmark: by how much one is better, with intervals of the difference."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from affectflow.errors import UserError
from affectflow.evaluation.judge import judge
from affectflow.evaluation.measured import Measured
from affectflow.evaluation.outputs import Outputs, Part, read_outputs
from affectflow.evaluation.plain import plain
from affectflow.measures.bootstrap import COVERAGE, Bootstrap
from affectflow.protocols import Protocol
from affectflow.synthetic import NOTE
from affectflow.tables import whole

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
    with whole(out) as partial:
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
