"""Sample pictures with what was labelled and what was predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.datasets.emotionet import EmotioNet
from affectflow.evaluation.predictions import PREDICTIONS_SCHEMA
from affectflow.report.style import figure
from affectflow.tables import read_parquet

_SHOWN = 15
_COLUMNS = 5


def draw_pictures(root: Path, predictions: Path, card: Path, faces: str, out: Path) -> None:
    """Pictures of EmotioNet's test split. Real faces are licensed, and shown only where ``faces`` is ``all``."""
    taught = json.loads(card.read_text(encoding="utf-8"))
    synthetic, thresholds = taught["synthetic"], taught["thresholds"]
    if not synthetic and faces != "all":
        with figure(out, 6, 1.2, "Sample pictures are of real people and not shown (report.faces)", False):
            return
    rows = {row["source"]: row for row in read_parquet(predictions, PREDICTIONS_SCHEMA).to_pylist()}
    samples = [sample for _, sample in zip(range(_SHOWN), EmotioNet(root, "test").samples(), strict=False)]
    title = "Pictures of the test split" + ("" if synthetic else ": contains licensed pictures, not for distribution")
    with figure(out, 9, 2.3 * -(-len(samples) // _COLUMNS), title, synthetic) as drawing:
        grid = drawing.subplots(-(-len(samples) // _COLUMNS), _COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, sample in zip(grid, samples, strict=False):
            row = rows[sample.source]
            probabilities = np.array(row["probabilities"], float)
            labelled = [unit for unit in range(1, facs.COUNT + 1) if sample.units[unit - 1] == facs.PRESENT]
            called = [
                unit
                for unit in range(1, facs.COUNT + 1)
                if probabilities[unit - 1] >= thresholds.get(facs.label(unit), np.inf)
            ]
            axes.imshow(sample.image.rgb())
            axes.set_title(
                f"labelled {_list(labelled)}\npredicted {_list(called)}\n"
                f"valence {sample.valence:.2f} / {row['predicted_valence']:.2f}",
                fontsize=6,
            )


def _list(units: list[int]) -> str:
    return " ".join(map(str, units)) or "none"
