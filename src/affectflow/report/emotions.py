"""Figure of the emotions that labelled and predicted action units indicate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from affectflow.contracts.score import ScoreFile
from affectflow.evaluation.outputs import by_unit
from affectflow.facs.emotions import Emotion, emotions
from affectflow.facs.expression import Levels, name_emotions, predicted_levels, recorded_levels
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.style import figure
from affectflow.tables.parquet import read_parquet

_TABLES = {"report2017": "table of 2017", "emfacs": "EMFACS"}


def draw_emotions(predictions: Path, score: Path, out: Path) -> None:
    """Draw the confusion of emotions by two tables, over AUs that are both labelled and predicted.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        score: score file, for the title.
        out: figure.
    """
    result = ScoreFile.read(score)
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    labelled = recorded_levels(by_unit(table, "units"), by_unit(table, "intensities"))
    predicted = predicted_levels(by_unit(table, "probabilities"), by_unit(table, "predicted_intensities"))
    unknown = np.isnan(labelled) | np.isnan(predicted)
    labelled[unknown] = predicted[unknown] = np.nan
    title = f"Emotions by {result.model} on {result.benchmark}, frames"
    with figure(out, 9, 4.2, title, result.synthetic) as drawing:
        for axes, (name, shown) in zip(drawing.subplots(1, len(_TABLES)), _TABLES.items(), strict=True):
            by_name = emotions(name)
            _draw_confusion(axes, list(by_name), confusion(by_name, labelled, predicted), shown)


def confusion(by_name: dict[str, Emotion], labelled: Levels, predicted: Levels) -> NDArray[np.int64]:
    """Count frames by labelled and predicted emotion, [emotions, emotions]; frames without a known AU are left out."""
    places = {name: place for place, name in enumerate(by_name)}
    counts = np.zeros((len(by_name), len(by_name)), np.int64)
    for one, other in zip(name_emotions(by_name, labelled), name_emotions(by_name, predicted), strict=True):
        if one and other:
            counts[places[one], places[other]] += 1
    return counts


def _draw_confusion(axes: Axes, names: list[str], counts: NDArray[np.int64], title: str) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(counts.shape):
        if counts[row, column]:
            color = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=6, color=color)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set(xlabel="predicted", ylabel="labelled")
    axes.set_title(f"{title}: {int(np.trace(counts)):,} of {int(counts.sum()):,} agree", fontsize=8)
