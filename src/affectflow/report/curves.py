"""Figure of the learning curves of a run."""

from __future__ import annotations

from pathlib import Path

from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.csv_files import read_csv


def draw_curves(history: Path, run: str, synthetic: bool, out: Path) -> None:
    """Draw training loss on the left, and AUC and CCC on validation data on the right.

    Args:
        history: CSV with one row for each epoch.
        run: name for the title.
        synthetic: whether the data is drawn.
        out: figure.
    """
    rows = list(read_csv(history, ("epoch", "loss")))
    epochs = [float(row["epoch"]) for row in rows]
    with figure(out, 7, 3, f"Learning curves of {run}", synthetic) as drawing:
        left, right = drawing.subplots(1, 2)
        left.plot(epochs, [float(row["loss"]) for row in rows], color=BLUE, marker="o")
        left.set(xlabel="epoch", ylabel="training loss")
        for column, name, color in (
            ("validation_mean_auc", "mean AUC of the AUs", BLUE),
            ("validation_valence_ccc", "CCC of valence", ORANGE),
            ("validation_arousal_ccc", "CCC of arousal", GREY),
        ):
            if any(row[column] for row in rows):
                right.plot(epochs, [float(row[column] or "nan") for row in rows], color=color, marker="o", label=name)
        right.set(xlabel="epoch", ylabel="validation", ylim=(0, 1))
        right.legend()
