"""Figure of labelled and predicted valence and arousal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow.contracts.score import ScoreFile
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.style import BLUE, draw_affect_histogram, figure
from affectflow.tables.parquet import read_parquet

_EDGES = np.linspace(-1, 1, 33).tolist()


def draw_plane(predictions: Path, score: Path, out: Path) -> None:
    """Draw labels against predictions for both dimensions, and the distribution of predictions in the plane.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        score: score file, for the title and CCC.
        out: figure.
    """
    result = ScoreFile.read(score)
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    predicted = {name: table[f"predicted_{name}"].to_numpy() for name in ("valence", "arousal")}
    title = f"Valence and arousal by {result.model} on {result.benchmark}"
    with figure(out, 8.5, 3.2, title, result.synthetic) as drawing:
        first, second, plane = drawing.subplots(1, 3)
        for axes, (name, values) in zip((first, second), predicted.items(), strict=True):
            axes.plot(table[name].to_numpy(), values, ".", color=BLUE, markersize=2)
            axes.plot([-1, 1], [-1, 1], color="black", linewidth=0.6)
            ccc = result.metric(f"{name}_ccc")
            axes.set(xlabel=f"{name}, labelled", ylabel="predicted", xlim=(-1, 1), ylim=(-1, 1))
            axes.set_title("" if ccc is None else f"CCC {ccc:.2f}", fontsize=8)
        draw_affect_histogram(plane, predicted["valence"], predicted["arousal"], _EDGES)
        plane.set_title("predictions", fontsize=8)
