"""Reliability diagram of a run's probabilities."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.csv_files import read_csv


def draw_reliability(table: Path, run: str, synthetic: bool, out: Path) -> None:
    """Draw the share of positives against mean probability by bins of all AUs, before and after calibration.

    Args:
        table: CSV of reliability bins by AU, from training.
        run: name for the title.
        synthetic: whether the data is drawn.
        out: figure.
    """
    sums: dict[tuple[bool, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for row in read_csv(table, ("calibrated", "from", "images", "mean_probability", "positive_rate")):
        count = float(row["images"])
        entry = sums[row["calibrated"] == "true", row["from"]]
        for place, value in enumerate((1.0, float(row["mean_probability"]), float(row["positive_rate"]))):
            entry[place] += count * value
    with figure(out, 4, 4, f"Reliability of {run} on validation", synthetic) as drawing:
        axes = drawing.subplots()
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--")
        for calibrated, name, color in ((False, "as trained", ORANGE), (True, "with temperatures", BLUE)):
            points = [(p / n, r / n) for (after, _), (n, p, r) in sorted(sums.items()) if after is calibrated]
            if points:
                axes.plot(*zip(*points, strict=True), color=color, marker="o", label=name)
        axes.set(xlabel="mean probability", ylabel="share of positives", xlim=(0, 1), ylim=(0, 1))
        if sums:
            axes.legend()
