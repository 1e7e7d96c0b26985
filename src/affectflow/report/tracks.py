"""Labels and predictions over time, of the videos with the smallest and the largest error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import by_unit
from affectflow.report.panel import BLUE, GREY, Panel, Spec, chart, colors, number

_MAX_UNITS = 3
_MIN_FRAMES = 2
_MAX_POINTS = 400
"""Of a curve; longer videos are shown by the means of as many stretches."""
_AFFECT = ("valence", "arousal")
_SERIES = {"label": GREY, "prediction": BLUE}
_WIDTH, _HEIGHT = 450, 70
"""Pixels of a curve; Vega-Lite cannot fit a grid of them into its place."""


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """Label and prediction of one AU or dimension in the frames of a video, [frames] each."""

    name: str
    frame: NDArray[Any]
    label: NDArray[Any]
    predicted: NDArray[Any]


def track_panels(predictions: pa.Table, errors: NDArray[np.float64]) -> Iterator[Panel]:
    """Yield the best and the worst video of a table of predictions; nothing where no video has labels with predictions.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        errors: of :func:`affectflow.report.errors.errors_of`, [rows].
    """
    found = best_and_worst(predictions, errors)
    for title, (name, error, rows) in zip(("Best video", "Worst video"), found, strict=False):
        tracks = _tracks(predictions.take(rows))
        if tracks:
            yield Panel(
                title=f"{title}: {name}",
                look_for=f"Label and prediction by frame; the mean error is {error:.2f}. Watch for predictions that "
                "follow late, or that stay high where the label is zero.",
                chart=_chart(tracks),
            )


def best_and_worst(table: pa.Table, errors: NDArray[np.float64]) -> list[tuple[str, float, NDArray[np.int64]]]:
    """Return the videos with the smallest and the largest mean error; arguments as for :func:`track_panels`.

    Returns:
        Name, mean error and rows of each; fewer than two where there are fewer videos with errors.
    """
    columns = (table[name].to_pylist() for name in ("subject", "video"))
    videos = np.array([" ".join(dict.fromkeys(filter(None, pair))) for pair in zip(*columns, strict=True)], np.str_)
    found = []
    for name in np.unique(videos):
        rows = np.flatnonzero((videos == name) & ~np.isnan(errors))
        if len(rows) >= _MIN_FRAMES:
            found.append((str(name), float(errors[rows].mean()), rows))
    ranked = sorted(found, key=lambda video: video[1])
    return [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked


def _tracks(table: pa.Table) -> list[_Track]:
    """Return valence and arousal where they are known, else the AUs that are present most often."""
    frame = table["frame"].to_numpy()
    affect = [_Track(name, frame, table[name].to_numpy(), table[f"predicted_{name}"].to_numpy()) for name in _AFFECT]
    known_affect = [track for track in affect if not np.isnan(track.label - track.predicted).all()]
    if known_affect:
        return known_affect
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    known = (units != facs.UNKNOWN).any(axis=0) & ~np.isnan(probabilities).all(axis=0)
    present = np.where(known, (units == facs.PRESENT).sum(axis=0), -1)
    chosen = [column for column in np.argsort(-present, kind="stable")[:_MAX_UNITS] if present[column] >= 0]
    return [
        _Track(facs.LABELS[column], frame, np.maximum(units[:, column], 0), probabilities[:, column])
        for column in sorted(chosen)
    ]


def _chart(tracks: list[_Track]) -> Spec:
    values = [
        {"track": track.name, "frame": frame, "series": series, "value": value}
        for track in tracks
        for series, column in (("label", track.label), ("prediction", track.predicted))
        for frame, value in _points(track.frame, column)
    ]
    lowest = -1 if tracks[0].name in _AFFECT else 0
    y = {"field": "value", "type": "quantitative", "scale": {"domain": [lowest, 1]}, "title": None}
    x = {"field": "frame", "type": "quantitative", "scale": {"zero": False, "nice": False}}
    tooltip = [{"field": "track"}, {"field": "frame"}, {"field": "series"}, {"field": "value", "format": ".2f"}]
    header = {"labelAngle": 0, "labelAlign": "left"}
    shown = {"x": x, "y": y, "color": colors(_SERIES), "tooltip": tooltip}
    spec = chart(
        values,
        _HEIGHT,
        facet={"row": {"field": "track", "sort": None, "title": None, "header": header}},
        spec={
            "width": _WIDTH,
            "height": _HEIGHT,
            "layer": [
                {
                    "transform": [{"filter": "datum.series === 'label'"}],
                    "mark": {"type": "area", "interpolate": "step-after", "opacity": 0.55},
                    "encoding": shown,
                },
                {
                    "transform": [{"filter": "datum.series === 'prediction'"}],
                    "mark": {"type": "line", "strokeWidth": 1.3},
                    "encoding": shown,
                },
            ],
        },
    )
    return {key: value for key, value in spec.items() if key not in ("width", "height")}


def _points(frames: NDArray[Any], values: NDArray[Any]) -> Iterator[tuple[int, float | None]]:
    """Yield frame and value, of long videos the first frame and the mean of each stretch."""
    for part in np.array_split(np.arange(len(frames)), min(len(frames), _MAX_POINTS)):
        known = values[part][~np.isnan(values[part].astype(np.float64))]
        yield int(frames[part[0]]), number(known.mean()) if len(known) else None
