"""Learning curves of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from affectflow.report.panel import BLUE, GREEN, ORANGE, Panel, Spec, chart, colors
from affectflow.tables.csv_files import read_csv

_VALIDATION = {
    "mean AUC of the AUs": ("validation_mean_auc", BLUE),
    "CCC of valence": ("validation_valence_ccc", ORANGE),
    "CCC of arousal": ("validation_arousal_ccc", GREEN),
}


def curve_panels(history: Path, best_epoch: int) -> Iterator[Panel]:
    """Yield the training loss, and the metrics on validation data, by epoch.

    Args:
        history: CSV with one row for each epoch.
        best_epoch: from 1, whose weights were kept.
    """
    rows = list(read_csv(history, ("epoch", "loss")))
    loss = [{"epoch": int(float(row["epoch"])), "value": float(row["loss"]), "series": "loss"} for row in rows]
    yield Panel(
        title="Training loss",
        look_for="It should fall. If it still falls at the end, more epochs may help (training.epochs).",
        chart=_chart(loss, {"loss": BLUE}, best_epoch, {}),
    )
    measured = [
        {"epoch": int(float(row["epoch"])), "value": float(row[column]), "series": name}
        for row in rows
        for name, (column, _) in _VALIDATION.items()
        if row.get(column)
    ]
    shown = {name: color for name, (_, color) in _VALIDATION.items() if any(row["series"] == name for row in measured)}
    if shown:
        yield Panel(
            title="Metrics on validation data",
            look_for="The dashed line is the epoch whose weights were kept. A curve that falls while the loss falls "
            "means overfitting.",
            chart=_chart(measured, shown, best_epoch, {"scale": {"domain": [0, 1]}}),
        )


def _chart(values: list[dict[str, Any]], shown: dict[str, str], best_epoch: int, y: Spec) -> Spec:
    epochs = {"field": "epoch", "type": "quantitative", "axis": {"tickMinStep": 1, "format": "d"}}
    return chart(
        values,
        200,
        layer=[
            {
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "x": epochs,
                    "y": {"field": "value", "type": "quantitative", "title": None, **y},
                    "color": colors(shown),
                    "tooltip": [{"field": "epoch"}, {"field": "series"}, {"field": "value", "format": ".4f"}],
                },
            },
            {
                "data": {"values": [{"epoch": best_epoch}]},
                "mark": {"type": "rule", "color": "#888", "strokeDash": [4, 3]},
                "encoding": {"x": epochs},
            },
        ],
    )
