"""Which emotion the labelled AUs of a frame make, and which the predicted ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.evaluation.outputs import by_unit
from affectflow.facs.emotions import Emotion, emotions
from affectflow.facs.expression import Levels, name_emotions, predicted_levels, recorded_levels
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.style import figure
from affectflow.tables.parquet import read_parquet

_TABLES = {"report2017": "table of 2017", "emfacs": "EMFACS"}


def draw_emotions(predictions: Path, score: Path, out: Path) -> None:
    """Confusion of emotions by two tables; an AU counts where it is labelled and the model was taught it."""
    result = json.loads(score.read_text(encoding="utf-8"))
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    recorded = recorded_levels(by_unit(table, "units"), by_unit(table, "intensities"))
    predicted = predicted_levels(by_unit(table, "probabilities"), by_unit(table, "predicted_intensities"))
    unknown = np.isnan(recorded) | np.isnan(predicted)
    recorded[unknown] = predicted[unknown] = np.nan
    title = f"Emotions by {result['model']} on {result['benchmark']}, frames"
    with figure(out, 9, 4.2, title, result["synthetic"]) as drawing:
        for axes, (name, shown) in zip(drawing.subplots(1, len(_TABLES)), _TABLES.items(), strict=True):
            named = emotions(name)
            counts = confusion(named, recorded, predicted)
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
            axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            for row, column in np.ndindex(counts.shape):
                if counts[row, column]:
                    color = "white" if shares[row, column] > 0.6 else "black"
                    text = f"{counts[row, column]:,}"
                    axes.text(column, row, text, ha="center", va="center", fontsize=6, color=color)
            axes.set_xticks(range(len(named)), list(named), rotation=60, ha="right", fontsize=7)
            axes.set_yticks(range(len(named)), list(named), fontsize=7)
            axes.set(xlabel="predicted", ylabel="labelled")
            axes.set_title(f"{shown}: {int(np.trace(counts)):,} of {int(counts.sum()):,} agree", fontsize=8)


def confusion(named: dict[str, Emotion], recorded: Levels, predicted: Levels) -> NDArray[np.int64]:
    """Frames by labelled and predicted emotion, [emotions, emotions]; those without any known AU are left out."""
    places = {name: place for place, name in enumerate(named)}
    counts = np.zeros((len(named), len(named)), np.int64)
    for one, other in zip(name_emotions(named, recorded), name_emotions(named, predicted), strict=True):
        if one and other:
            counts[places[one], places[other]] += 1
    return counts
