"""Errors of a model on single frames, and where they are large: by person or video, and by how the face was found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import by_unit
from affectflow.report.panel import BLUE, Panel, Spec, chart, number

_MIN_PROBABILITY = 1e-6
"""Keeps the cross-entropy of a wrong and certain prediction finite."""
_MAX_SHOWN = 30
_CROPS = {"face": "face found", "held": "face of a frame before", "center": "no face, center of the image"}


def errors_of(table: pa.Table) -> NDArray[np.float64]:
    """Return the error of each row of a table of predictions, [rows]; NaN without a label that has a prediction.

    For AUs this is the mean cross-entropy in nats; where no AU is labelled, the distance in the valence/arousal plane.
    """
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    count, losses = np.zeros(len(table)), np.zeros(len(table))
    for unit in range(facs.COUNT):  # one at a time to limit memory: video benchmarks have millions of rows
        label, probability = units[:, unit], probabilities[:, unit].astype(np.float64)
        known = (label != facs.UNKNOWN) & ~np.isnan(probability)
        likelihood = np.where(label == facs.PRESENT, probability, 1 - probability)
        losses -= np.log(np.clip(np.where(known, likelihood, 1.0), _MIN_PROBABILITY, 1))
        count += known
    unit_errors = np.where(count > 0, losses / np.maximum(count, 1), np.nan)
    valence, arousal = (
        table[name].to_numpy().astype(np.float64) - table[f"predicted_{name}"].to_numpy()
        for name in ("valence", "arousal")
    )
    return np.asarray(np.where(np.isnan(unit_errors), np.hypot(valence, arousal), unit_errors))


def error_panels(predictions: pa.Table, errors: NDArray[np.float64]) -> Iterator[Panel]:
    """Yield the mean error by person or video, and by crop, each where there are at least two.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        errors: of :func:`errors_of`, [rows].
    """
    for column, title in (("subject", "Error by person"), ("video", "Error by video")):
        groups = _means(predictions[column].to_pylist(), errors)
        if len(groups) > 1:
            shown = groups[:_MAX_SHOWN]
            rest = (
                f" The {_MAX_SHOWN} with the largest of {len(groups):,} are shown." if len(groups) > len(shown) else ""
            )
            yield Panel(
                title=title,
                look_for="Bars that stand out are people whose faces or labels differ from the others'; look at their "
                "images first. The error is the mean cross-entropy of the AUs, or without AUs the distance in the "
                f"valence/arousal plane.{rest}",
                chart=_chart(shown),
            )
            break
    by_crop = _means([_CROPS.get(crop, crop) for crop in predictions["crop"].to_pylist()], errors)
    if len(by_crop) > 1:
        yield Panel(
            title="Error by how the face was found",
            look_for="A much larger error without a face points at the face detector, not at the model.",
            chart=_chart(by_crop),
        )


def _means(groups: list[str], errors: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Return name, mean error and number of frames of each named group, by descending error."""
    names, places = np.unique(np.array(groups, np.str_), return_inverse=True)
    known = ~np.isnan(errors)
    frames = np.bincount(places[known], minlength=len(names))
    sums = np.bincount(places[known], errors[known], minlength=len(names))
    found = [
        {"name": str(name), "error": number(total / count), "frames": int(count)}
        for name, total, count in zip(names, sums, frames, strict=True)
        if name and count
    ]
    return sorted(found, key=lambda group: -group["error"])


def _chart(groups: list[dict[str, Any]]) -> Spec:
    return chart(
        groups,
        max(60, 15 * len(groups)),
        mark={"type": "bar", "color": BLUE},
        encoding={
            "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 180}},
            "x": {"field": "error", "type": "quantitative", "title": "mean error"},
            "tooltip": [{"field": "name"}, {"field": "error", "format": ".3f"}, {"field": "frames", "format": ","}],
        },
    )
