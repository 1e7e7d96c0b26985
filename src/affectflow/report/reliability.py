"""Reliability diagram of a run's probabilities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from affectflow.contracts.model_metadata import CalibrationError
from affectflow.report.panel import BLUE, CLICKED, OPACITY, ORANGE, Panel, chart, colors, number
from affectflow.tables.csv_files import read_csv

_SERIES = {"as trained": ORANGE, "calibrated": BLUE}


def reliability_panels(table: Path, error: CalibrationError) -> Iterator[Panel]:
    """Yield the share of positives against the mean probability, over all AUs; nothing for a run without AUs.

    Args:
        table: CSV of reliability bins by AU, from training.
        error: expected calibration error before and after calibration.
    """
    sums: dict[tuple[str, float], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for row in read_csv(table, ("calibrated", "from", "images", "mean_probability", "positive_rate")):
        count = float(row["images"])
        entry = sums["calibrated" if row["calibrated"] == "true" else "as trained", float(row["from"])]
        for place, value in enumerate((1.0, float(row["mean_probability"]), float(row["positive_rate"]))):
            entry[place] += count * value
    values = [
        {"series": series, "probability": number(p / n), "positive": number(r / n), "images": int(n)}
        for (series, _), (n, p, r) in sorted(sums.items())
    ]
    if not values:
        return
    scale = {"domain": [0, 1]}
    x = {"field": "probability", "type": "quantitative", "scale": scale, "title": "mean predicted probability"}
    y = {"field": "positive", "type": "quantitative", "scale": scale, "title": "share of positives"}
    yield Panel(
        title="Reliability of probabilities",
        look_for="Points on the dashed line mean that of the frames with a probability of 0.7, 70% have the AU. Below "
        f"it the model is too sure. Expected calibration error: {_text(error.before)} as trained, "
        f"{_text(error.after)} calibrated. On people unlike those of the training data it is larger; the benchmarks' "
        "tables of AUs give it.",
        chart=chart(
            values,
            260,
            layer=[
                {
                    "data": {"values": [{"probability": 0, "positive": 0}, {"probability": 1, "positive": 1}]},
                    "mark": {"type": "line", "color": "#888", "strokeWidth": 1, "strokeDash": [4, 3]},
                    "encoding": {"x": x, "y": y},
                },
                {
                    "params": [CLICKED],
                    "mark": {"type": "line", "point": {"size": 55}},
                    "encoding": {
                        "x": x,
                        "y": y,
                        "color": colors(_SERIES),
                        "opacity": OPACITY,
                        "tooltip": [
                            {"field": "series"},
                            {"field": "probability", "format": ".3f"},
                            {"field": "positive", "format": ".3f"},
                            {"field": "images", "format": ",", "title": "labels"},
                        ],
                    },
                },
            ],
        ),
    )


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
