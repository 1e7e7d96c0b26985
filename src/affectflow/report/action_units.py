"""Figure of the scores of each action unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow.contracts.score import ScoreFile
from affectflow.report.style import BLUE, GREY, ORANGE, figure


def draw_units(score: Path, out: Path) -> None:
    """Draw F1 of each AU at 0.5, at the validation threshold and for always predicting yes, with ROC AUC.

    Args:
        score: score file.
        out: figure.
    """
    result = ScoreFile.read(score)
    units = result.action_units
    title = f"{result.model} on {result.benchmark}: {result.protocol.title}"
    with figure(out, 7.5, 3.4, title, result.synthetic) as drawing:
        axes = drawing.subplots()
        places = np.arange(len(units))
        for offset, metric, color, name in (
            (-0.27, "f1_always_yes", GREY, "F1, always yes"),
            (0.0, "f1", BLUE, "F1 at 0.5"),
            (0.27, "f1_validation_threshold", ORANGE, "F1 at the validation threshold"),
        ):
            values = [getattr(unit, metric) or 0 for unit in units.values()]
            axes.bar(places + offset, values, 0.25, color=color, label=name)
            if metric != "f1_always_yes":
                ends = [unit.intervals[metric] or (v, v) for unit, v in zip(units.values(), values, strict=True)]
                axes.vlines(places + offset, *zip(*ends, strict=True), color="black", linewidth=0.8)
        aucs = [np.nan if unit.auc is None else unit.auc for unit in units.values()]
        axes.plot(places, aucs, "k_", markersize=14, label="ROC AUC")
        axes.set_xticks(places, [f"{name}\n{unit.positives}/{unit.frames}" for name, unit in units.items()], fontsize=7)
        axes.set_ylim(0, 1)
        axes.legend(ncols=4, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.2))
