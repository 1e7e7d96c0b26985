"""Emotions that labelled and predicted action units indicate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow.evaluation.outputs import by_unit
from affectflow.facs.emotions import Emotion, emotions
from affectflow.facs.expression import Levels, name_emotions, predicted_levels, recorded_levels
from affectflow.report.panel import Panel, Spec, chart, number

_TABLES = {"report2017": "the table of 2017", "emfacs": "EMFACS"}


def emotion_panels(predictions: pa.Table, thresholds: Mapping[str, float]) -> Iterator[Panel]:
    """Yield the confusion of emotions by two tables, over AUs that are both labelled and predicted.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        thresholds: probability from which an AU counts as predicted, by AU.
    """
    labelled = recorded_levels(by_unit(predictions, "units"), by_unit(predictions, "intensities"))
    outputs = by_unit(predictions, "probabilities"), by_unit(predictions, "predicted_intensities")
    predicted = predicted_levels(*outputs, thresholds)
    unknown = np.isnan(labelled) | np.isnan(predicted)
    labelled[unknown] = predicted[unknown] = np.nan
    for name, shown in _TABLES.items():
        by_name = emotions(name)
        counts = confusion(by_name, labelled, predicted)
        total = int(counts.sum())
        if total:
            yield Panel(
                title=f"Emotions by {shown}",
                look_for=f"{int(np.trace(counts)):,} of {total:,} frames are on the diagonal, where labelled and "
                "predicted AUs make the same emotion. An emotion here is a name for AUs that occur together, not a "
                "feeling.",
                chart=_chart(list(by_name), counts),
            )


def confusion(by_name: dict[str, Emotion], labelled: Levels, predicted: Levels) -> NDArray[np.int64]:
    """Count frames by labelled and predicted emotion, [emotions, emotions]; frames without a known AU are left out.

    Args:
        by_name: the emotions by name, in the order of rows and columns.
        labelled: labelled intensities, [frames, 60], from 0 to 5, NaN unknown.
        predicted: predicted intensities, [frames, 60], from 0 to 5, NaN unknown.
    """
    places = {name: place for place, name in enumerate(by_name)}
    counts = np.zeros((len(by_name), len(by_name)), np.int64)
    for one, other in zip(name_emotions(by_name, labelled), name_emotions(by_name, predicted), strict=True):
        if one and other:
            counts[places[one], places[other]] += 1
    return counts


def _chart(names: list[str], counts: NDArray[np.int64]) -> Spec:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    values = [
        {"labelled": names[i], "predicted": names[j], "frames": int(counts[i, j]), "share": number(shares[i, j])}
        for i, j in zip(*np.nonzero(counts), strict=True)
    ]
    place = {"type": "nominal", "scale": {"domain": names}}
    return chart(
        values,
        22 * len(names),
        encoding={
            "x": {"field": "predicted", **place, "axis": {"labelAngle": -45, "labelLimit": 140}},
            "y": {"field": "labelled", **place, "axis": {"labelLimit": 140}},
            "tooltip": [
                {"field": "labelled"},
                {"field": "predicted"},
                {"field": "frames", "format": ","},
                {"field": "share", "format": ".1%", "title": "of the labelled"},
            ],
        },
        layer=[
            {
                "mark": {"type": "rect"},
                "encoding": {
                    "color": {
                        "field": "share",
                        "type": "quantitative",
                        "scale": {"domain": [0, 1], "range": ["#dce8f5", "#2f6db3"]},
                        "legend": None,
                    }
                },
            },
            {
                "mark": {"type": "text", "fontSize": 9, "style": "on-color"},
                "encoding": {
                    "text": {"field": "frames", "format": ","},
                    "color": {"condition": {"test": "datum.share > 0.6", "value": "#ffffff"}, "value": "#111111"},
                },
            },
        ],
    )
