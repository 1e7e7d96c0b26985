"""Scores by condition: for which images and people a model does worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from affectflow.contracts.score import ConditionGroup, OfGroup, ScoreFile
from affectflow.report.panel import (
    BLUE,
    CLICKED,
    GREEN,
    OPACITY,
    ORANGE,
    VALUE_TOOLTIP,
    Cell,
    Panel,
    Spec,
    chart,
    colors,
    table,
    valued,
)

_METRICS = {
    "mean_f1": ("F1", BLUE),
    "mean_auc": ("AUC", ORANGE),
    "mean_icc": ("ICC", GREEN),
    "valence": ("valence CCC", BLUE),
    "arousal": ("arousal CCC", ORANGE),
}
_DECIDES = ("mean_auc", "mean_icc", "valence", "arousal", "mean_f1")
"""By the first of these that a benchmark has, groups are compared in words: F1 depends on how frequent an AU is."""


def condition_panels(score: ScoreFile) -> Iterator[Panel]:
    """Yield the chart and the table of scores by condition; nothing where frames do not differ."""
    if not score.conditions:
        return
    metrics = [
        metric
        for metric in _METRICS
        if any(getattr(group, metric) is not None for one in score.conditions.values() for group in one.groups.values())
    ]
    if metrics:
        yield Panel(
            title="By condition",
            look_for=f"{_worse(score, metrics)} Each group has its 95% interval. "
            "Differences are from the group with the most frames.",
            chart=_chart(score, metrics),
            wide=True,
        )
    yield Panel(
        title="By condition, in numbers",
        look_for="Groups of fewer than eight people have no scores. A difference whose interval holds 0 may be chance. "
        "F1 is higher where an AU is more frequent, and so is that of always predicting yes.",
        table=table(
            (
                *("condition", "group", "frames", "people"),
                *(heading for metric in metrics for heading in (_METRICS[metric][0], "difference")),
                *(("F1, always yes",) if "mean_f1" in metrics else ()),
            ),
            (
                (
                    *(_readable(name), group, facts.frames, facts.subjects),
                    *(cell for metric in metrics for cell in (_cell(facts, metric), _cell(facts.difference, metric))),
                    *((facts.mean_f1_always_yes,) if "mean_f1" in metrics else ()),
                )
                for name, group, facts in _groups(score)
            ),
        ),
        wide=True,
    )


def _worse(score: ScoreFile, metrics: Sequence[str]) -> str:
    """Return a sentence that names the groups whose score is lower, with an interval below 0."""
    metric = next(one for one in _DECIDES if one in metrics)
    title, found = _METRICS[metric][0], []
    for name, group, facts in _groups(score):
        interval = facts.difference and facts.difference.intervals.get(metric)
        if interval and interval[1] < 0:
            found.append(f"{_readable(name)}: {group} ({getattr(facts.difference, metric):+.2f})")
    if not found:
        return f"{title} is in no group lower than in the largest of its condition by more than chance."
    return f"{title} is lower for {'; '.join(found)}."


def _groups(score: ScoreFile) -> Iterator[tuple[str, str, ConditionGroup]]:
    for name, condition in score.conditions.items():
        for group, facts in condition.groups.items():
            yield name, group, facts


def _readable(name: str) -> str:
    return name.replace("_", " ")


def _cell(facts: OfGroup | None, metric: str) -> Cell:
    if facts is None or (value := getattr(facts, metric)) is None:
        return None
    sign = "" if isinstance(facts, ConditionGroup) else "+"
    ends = facts.intervals.get(metric)
    return f"{value:{sign}.3f}" + (f" ({ends[0]:{sign}.2f} to {ends[1]:{sign}.2f})" if ends else "")


def _chart(score: ScoreFile, metrics: Sequence[str]) -> Spec:
    values = []
    for name, group, facts in _groups(score):
        for metric in metrics:
            values.append(
                {
                    "group": f"{_readable(name)}: {group}",
                    **valued(_METRICS[metric][0], getattr(facts, metric), facts.intervals.get(metric)),
                    "frames": facts.frames,
                    "people": facts.subjects,
                }
            )
    tooltip = [
        {"field": "group"},
        *VALUE_TOOLTIP,
        {"field": "people", "format": ","},
        {"field": "frames", "format": ","},
    ]
    series = {_METRICS[metric][0]: _METRICS[metric][1] for metric in metrics}
    y = {"field": "group", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 320}}
    x = {"type": "quantitative", "scale": {"zero": False}, "title": None}
    offset = {"field": "series", "sort": list(series)}
    groups = len({value["group"] for value in values})
    return chart(
        [value for value in values if value["value"] is not None],
        24 + 26 * groups,
        encoding={"y": y, "yOffset": offset, "tooltip": tooltip, "opacity": OPACITY, "color": colors(series)},
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "transform": [{"filter": "isValid(datum.low)"}],
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
            },
            {
                "params": [CLICKED],
                "mark": {"type": "point", "filled": True, "size": 60},
                "encoding": {"x": {"field": "value", **x}},
            },
        ],
    )
