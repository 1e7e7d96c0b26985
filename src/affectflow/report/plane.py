"""The valence/arousal plane: what was labelled and what was predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.style import BLUE, figure
from affectflow.tables.parquet import read_parquet


def draw_plane(predictions: Path, score: Path, out: Path) -> None:
    """Labels against predictions for both dimensions, and the plane of predictions."""
    result = json.loads(score.read_text(encoding="utf-8"))
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    columns = {
        name: table[name].to_numpy() for name in ("valence", "arousal", "predicted_valence", "predicted_arousal")
    }
    title = f"Valence and arousal by {result['model']} on {result['benchmark']}"
    with figure(out, 8.5, 3.2, title, result["synthetic"]) as drawing:
        first, second, plane = drawing.subplots(1, 3)
        for axes, name in ((first, "valence"), (second, "arousal")):
            axes.plot(columns[name], columns[f"predicted_{name}"], ".", color=BLUE, markersize=2)
            axes.plot([-1, 1], [-1, 1], color="black", linewidth=0.6)
            ccc = result[name]["ccc"] if result[name] else None
            axes.set(xlabel=f"{name}, labelled", ylabel="predicted", xlim=(-1, 1), ylim=(-1, 1))
            axes.set_title("" if ccc is None else f"CCC {ccc:.2f}", fontsize=8)
        plane.hist2d(
            columns["predicted_valence"],
            columns["predicted_arousal"],
            bins=np.linspace(-1, 1, 33).tolist(),
            cmap="Blues",
        )
        plane.set(xlabel="valence", ylabel="arousal")
        plane.set_title("predictions", fontsize=8)
