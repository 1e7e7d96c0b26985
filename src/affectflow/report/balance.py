"""How often each AU is present, absent and unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.parquet import read_parquet


def draw_balance(samples: Path, synthetic: bool, out: Path) -> None:
    """Stacked shares by AU; AUs without any label are left out."""
    table = read_parquet(samples, SAMPLES_SCHEMA)
    units = np.array(table["units"].to_pylist(), np.int8)
    shown = [unit for unit in range(1, facs.COUNT + 1) if (units[:, unit - 1] >= 0).any()]
    shares = [100 * np.mean(units[:, [u - 1 for u in shown]] == value, axis=0) for value in (1, 0, -1)]
    with figure(out, 8, 3.2, f"Labels of {len(units)} images", synthetic) as drawing:
        axes = drawing.subplots()
        bottom = np.zeros(len(shown))
        for share, color, name in zip(shares, (ORANGE, BLUE, GREY), ("present", "absent", "unknown"), strict=True):
            axes.bar([facs.label(unit) for unit in shown], share, bottom=bottom, color=color, label=name)
            bottom += share
        axes.tick_params(axis="x", rotation=90)
        axes.set_ylabel("% of images")
        axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.25))
