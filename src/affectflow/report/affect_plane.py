"""Labelled and predicted valence and arousal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow.contracts.score import ScoreFile
from affectflow.report.panel import Panel, Spec, chart, number

_DIMENSIONS = ("valence", "arousal")
_BINS = 24
"""From -1 to 1."""


def plane_panels(score: ScoreFile, predictions: pa.Table) -> Iterator[Panel]:
    """Yield labels against predictions of each dimension, and where predictions lie; nothing without a CCC.

    Args:
        score: of the run on the benchmark.
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
    """
    predicted = {name: predictions[f"predicted_{name}"].to_numpy() for name in _DIMENSIONS}
    for name in _DIMENSIONS:
        ccc = score.metric(f"{name}_ccc")
        if ccc is not None:
            yield Panel(
                title=f"{name.capitalize()}: CCC {ccc:.2f}",
                look_for="Darker cells hold more frames. They lie on the diagonal where predictions are right, and "
                "along a flat line where the model predicts the mean.",
                chart=_with_diagonal(
                    binned({f"{name}, labelled": predictions[name].to_numpy(), f"{name}, predicted": predicted[name]})
                ),
            )
    if any(score.metric(f"{name}_ccc") is not None for name in _DIMENSIONS):
        yield Panel(
            title="Predictions in the plane",
            look_for="A cloud around zero means a model that dares little.",
            chart=binned(predicted),
        )


def binned(axes: Mapping[str, NDArray[np.floating]]) -> Spec:
    """Return a chart of how many frames lie where; the two axes go from -1 to 1, frames with NaN are left out."""
    (x_name, x), (y_name, y) = axes.items()
    known = ~(np.isnan(x) | np.isnan(y))
    counts, edges, _ = np.histogram2d(x[known], y[known], bins=_BINS, range=((-1, 1), (-1, 1)))
    values = [
        {"x": number(edges[i]), "x2": number(edges[i + 1]), "y": number(edges[j]), "y2": number(edges[j + 1])}
        | {"frames": int(counts[i, j])}
        for i, j in zip(*np.nonzero(counts), strict=True)
    ]
    scale = {"domain": [-1, 1]}
    encoding = {
        "x": {"field": "x", "type": "quantitative", "scale": scale, "title": x_name},
        "y": {"field": "y", "type": "quantitative", "scale": scale, "title": y_name},
        "x2": {"field": "x2"},
        "y2": {"field": "y2"},
        "color": {
            "field": "frames",
            "type": "quantitative",
            "scale": {"type": "sqrt", "range": ["#c9dbef", "#123c6b"]},
            "legend": None,
        },
        "tooltip": [
            {"field": "x", "title": f"{x_name} from"},
            {"field": "y", "title": f"{y_name} from"},
            {"field": "frames", "format": ","},
        ],
    }
    return chart(values, 260, layer=[{"mark": {"type": "rect"}, "encoding": encoding}])


def _with_diagonal(spec: Spec) -> Spec:
    line = {
        "data": {"values": [{"x": -1, "y": -1}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "color": "#888", "strokeWidth": 1, "strokeDash": [4, 3]},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
    }
    return {**spec, "layer": [*spec["layer"], line]}
