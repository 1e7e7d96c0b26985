"""What the report's page is made of: panels, each a chart, images or a table, with what to look for in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from affectflow.contracts.json_file import JsonFile, Part

BLUE, ORANGE, GREY, GREEN = "#4a7fbf", "#d9822b", "#9aa4af", "#3d9a6b"
"""Colors that can be read on a white and on a dark page."""
SHOW_ALL = "all"
"""The setting ``report.faces`` with which images of real people are shown."""
Spec = dict[str, Any]
"""A chart in Vega-Lite, https://vega.github.io/vega-lite/docs."""
Cell = str | int | float | None


class ShownImage(Part):
    """An image with what was labelled and predicted, as the model received it."""

    source: str
    """Its name in the data set."""
    jpeg: str
    """Base64."""
    found: tuple[str, ...]
    """AUs that are labelled and predicted."""
    missed: tuple[str, ...]
    """AUs that are labelled and not predicted."""
    false_alarms: tuple[str, ...]
    """AUs that are predicted and labelled absent."""
    affect: Mapping[str, tuple[float, float]]
    """Label and prediction of valence and arousal."""


class Table(Part):
    """A table; numbers are aligned to the right, null is shown as a dash."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Panel(Part):
    """One thing to look at."""

    title: str
    look_for: str
    """What to look for in it, and how to read it."""
    chart: Spec | None = None
    images: tuple[ShownImage, ...] = ()
    table: Table | None = None
    wide: bool = False
    """Whether it takes the page's whole width."""


class RunReport(JsonFile):
    """``results/report/runs/{run}.json``: the panels of one run."""

    remedy: ClassVar[str] = "run snakemake on results/report/overview.html again"
    schema_version: Literal[1] = 1
    run: str
    synthetic: bool
    """Whether the training data is drawn."""
    facts: Mapping[str, str]
    """What the run is: its backbone, its training data and so on."""
    baseline: bool
    """Whether it is one of the baselines that models are to beat."""
    training: tuple[Panel, ...]
    calibration: tuple[Panel, ...]
    benchmarks: Mapping[str, tuple[Panel, ...]]


def table(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table of any iterable of rows.

    Args:
        columns: headings of the columns.
        rows: cells of each row, in the order of the columns.
    """
    return Table(columns=tuple(columns), rows=tuple(map(tuple, rows)))


def chart(values: Iterable[Mapping[str, Any]], height: int, **parts: Any) -> Spec:
    """Return a chart as wide as its place on the page.

    Args:
        values: rows of data; NaN is left out by writing None.
        height: pixels.
        parts: ``mark``, ``encoding``, ``layer`` and so on of Vega-Lite.
    """
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": height,
        "data": {"values": [dict(value) for value in values]},
        **parts,
    }


def colors(by_name: Mapping[str, str], field: str = "series") -> Spec:
    """Return the encoding of color by a field, with a legend above the chart.

    Args:
        by_name: color of each value of the field, such as ``#4a7fbf``.
        field: name of the field in the chart's data.
    """
    scale = {"domain": list(by_name), "range": list(by_name.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": {"orient": "top", "title": None}}


VALUE_TOOLTIP: list[Spec] = [
    {"field": "series", "title": "metric"},
    {"field": "value", "format": ".3f"},
    {"field": "low", "format": ".3f", "title": "95% interval from"},
    {"field": "high", "format": ".3f", "title": "to"},
]
"""What a tooltip says of :func:`valued`."""
CLICKED = {"name": "clicked", "select": {"type": "point", "fields": ["series"]}, "bind": "legend"}
"""A click on the legend shows one series alone."""
OPACITY = {"condition": {"param": "clicked", "value": 1}, "value": 0.12}


def valued(series: str, value: float | None, interval: tuple[float, float] | None) -> dict[str, Any]:
    """Return the entries of a metric with its interval in a chart's data.

    Args:
        series: name of the metric.
        value: the metric; None or NaN where it is undefined.
        interval: its 95% interval; None without one.
    """
    low, high = interval or (None, None)
    return {"series": series, "value": number(value), "low": number(low), "high": number(high)}


def number(value: float | None) -> float | None:
    """Return a value with four digits after the point; None for NaN, which JSON does not have."""
    return None if value is None or value != value else round(float(value), 4)
