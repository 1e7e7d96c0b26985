"""Scores of each action unit: which can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

from affectflow.contracts.score import OccurrenceScores, ScoreFile
from affectflow.report.panel import (
    BLUE,
    CLICKED,
    GREY,
    OPACITY,
    ORANGE,
    VALUE_TOOLTIP,
    Panel,
    Spec,
    chart,
    colors,
    table,
    valued,
)

_SERIES = {"F1": BLUE, "F1, always yes": GREY, "AUC": ORANGE}
_METRICS = {"F1": "f1", "F1, always yes": "f1_always_yes", "AUC": "auc"}
YES, NO, UNDEFINED = "yes", "no", "too few"


def unit_panels(score: ScoreFile) -> Iterator[Panel]:
    """Yield the chart of the AUs' scores and the table behind it; nothing for a benchmark without AUs."""
    if not score.action_units:
        return
    verdicts = {unit: better_than_always_yes(entry) for unit, entry in score.action_units.items()}
    better = [unit for unit, verdict in verdicts.items() if verdict == YES]
    yield Panel(
        title="Action units",
        look_for=f"{len(better)} of {len(verdicts)} AUs can be told from chance: {', '.join(better) or 'none'}. Their "
        "F1 with its 95% interval lies above the F1 of always predicting yes, and their AUC above 0.5. A wide interval "
        "means few people or few positive frames. Click a name in the legend to see it alone.",
        chart=_chart(score),
        wide=True,
    )
    yield Panel(
        title="Action units in numbers",
        look_for="Low recall means missed AUs, low precision false alarms. A calibration error of 0.1 means that "
        "probabilities are off by 10 points in the mean.",
        table=table(
            (
                *("AU", "better than always yes", "F1", "95% interval", "always yes", "AUC", "precision", "recall"),
                *("calibration error", "positive", "frames"),
            ),
            (
                (
                    *(unit, verdicts[unit], entry.f1, _interval(entry, "f1"), entry.f1_always_yes, entry.auc),
                    *(entry.precision, entry.recall, entry.calibration_error, entry.positives, entry.frames),
                )
                for unit, entry in score.action_units.items()
            ),
        ),
        wide=True,
    )


def better_than_always_yes(entry: OccurrenceScores) -> str:
    """Return whether the 95% intervals of F1 and AUC lie above those of a constant prediction."""
    ends = [entry.intervals.get(metric) for metric in ("f1", "auc")]
    f1, auc = ends
    if f1 is None or auc is None or entry.f1_always_yes is None:
        return UNDEFINED
    return YES if f1[0] > entry.f1_always_yes and auc[0] > 0.5 else NO


def _interval(entry: OccurrenceScores, metric: str) -> str | None:
    ends = entry.intervals.get(metric)
    return None if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}"


def _chart(score: ScoreFile) -> Spec:
    values = []
    for unit, entry in score.action_units.items():
        for series, metric in _METRICS.items():
            values.append(
                {
                    "AU": unit,
                    **valued(series, getattr(entry, metric), entry.intervals.get(metric)),
                    "positive": entry.positives,
                    "frames": entry.frames,
                }
            )
    tooltip = [
        {"field": "AU"},
        *VALUE_TOOLTIP,
        {"field": "positive", "format": ","},
        {"field": "frames", "format": ","},
    ]
    x = {"field": "AU", "type": "nominal", "sort": None, "axis": {"title": None, "labelAngle": 0}}
    offset = {"field": "series", "sort": list(_SERIES)}
    y = {"type": "quantitative", "scale": {"domain": [0, 1]}, "title": None}
    return chart(
        values,
        240,
        encoding={"x": x, "xOffset": offset, "tooltip": tooltip, "opacity": OPACITY},
        layer=[
            {
                "params": [CLICKED],
                "mark": {"type": "bar"},
                "encoding": {"y": {"field": "value", **y}, "color": colors(_SERIES)},
            },
            {
                "mark": {"type": "rule", "color": "#555", "strokeWidth": 1.4},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"y": {"field": "low", **y}, "y2": {"field": "high"}},
            },
        ],
    )
