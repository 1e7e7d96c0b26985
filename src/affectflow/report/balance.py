"""Figure of how often each action unit is present, absent and unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.parquet import read_parquet


def draw_balance(samples: Path, synthetic: bool, out: Path) -> None:
    """Draw the shares of labels of each AU; AUs without any label are left out.

    Args:
        samples: table of :data:`affectflow.datasets.emotionet.SAMPLES_SCHEMA`.
        synthetic: whether the data is drawn.
        out: figure.
    """
    table = read_parquet(samples, SAMPLES_SCHEMA)
    units = np.array(table["units"].to_pylist(), np.int8)
    shown = [unit for unit in range(1, facs.COUNT + 1) if (units[:, unit - 1] >= 0).any()]
    labels = units[:, [unit - 1 for unit in shown]]
    with figure(out, 8, 3.2, f"Labels of {len(units)} images", synthetic) as drawing:
        axes = drawing.subplots()
        bottom = np.zeros(len(shown))
        for label, name, color in (
            (facs.PRESENT, "present", ORANGE),
            (facs.ABSENT, "absent", BLUE),
            (facs.UNKNOWN, "unknown", GREY),
        ):
            share = 100 * np.mean(labels == label, axis=0)
            axes.bar([facs.label(unit) for unit in shown], share, bottom=bottom, color=color, label=name)
            bottom += share
        axes.tick_params(axis="x", rotation=90)
        axes.set_ylabel("% of images")
        axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.25))
