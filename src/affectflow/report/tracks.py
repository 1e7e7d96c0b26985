"""Labels and outputs over time, of the video that a model reads best and of the one that it reads worst."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from numpy.typing import NDArray

from affectflow import facs
from affectflow.evaluation.outputs import by_unit
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.errors import errors_of
from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.parquet import read_parquet

_UNITS = 3  # at most, those that are present most often
_FEWEST = 2  # frames of a video

Track = tuple[str, NDArray[Any], NDArray[Any], NDArray[Any]]
"""Name, frames, label and output."""


def draw_tracks(predictions: Path, score: Path, out: Path) -> None:
    """Two columns: the video with the smallest mean error, and that with the largest."""
    result = json.loads(score.read_text(encoding="utf-8"))
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    title = f"Videos that {result['model']} reads best and worst on {result['benchmark']}"
    videos = [
        (f"{name}, mean error {error:.2f}", _tracks(table.take(rows))) for name, error, rows in best_and_worst(table)
    ]
    most = max((len(tracks) for _, tracks in videos), default=1)
    with figure(out, 9, 1.2 + 1.3 * most, title, result["synthetic"]) as drawing:
        if not videos:
            drawing.text(0.5, 0.5, "no video with labels that the model answers", ha="center")
            return
        grid = drawing.subplots(most, len(videos), squeeze=False, sharex="col")
        for column, (name, tracks) in zip(grid.T, videos, strict=True):
            _draw_video(column, tracks, name)


def best_and_worst(table: pa.Table) -> list[tuple[str, float, NDArray[np.int64]]]:
    """Name, mean error and rows of the video with the least and of that with the greatest; the one video there is, or
    none."""
    errors = errors_of(table)
    columns = (table[name].to_pylist() for name in ("subject", "video"))
    videos = np.array([" ".join(filter(None, pair)) for pair in zip(*columns, strict=True)], np.str_)
    found = []
    for name in np.unique(videos):
        rows = np.flatnonzero((videos == name) & ~np.isnan(errors))
        if len(rows) >= _FEWEST:
            found.append((str(name), float(errors[rows].mean()), rows))
    ranked = sorted(found, key=lambda video: video[1])
    return [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked


def _draw_video(axes: Sequence[Axes], tracks: Sequence[Track], title: str) -> None:
    for one, (name, time, label, output) in zip(axes, tracks, strict=False):
        one.fill_between(time, 0, label, step="mid", color=GREY, linewidth=0, label="label")
        one.plot(time, output, color=BLUE, linewidth=0.8, label="output")
        one.set_ylabel(name, fontsize=8)
        lowest = -1.05 if name in ("valence", "arousal") else -0.05
        one.set_ylim(lowest, 1.05)
        one.axhline(0 if lowest < -1 else 0.5, color=ORANGE, linewidth=0.5, linestyle=":")
    for one in list(axes)[len(tracks) :]:
        one.set_axis_off()
    axes[0].set_title(title, fontsize=8)
    axes[min(len(tracks), len(axes)) - 1].set_xlabel("frame")
    axes[0].legend(fontsize=6, loc="upper right")


def _tracks(table: pa.Table) -> list[Track]:
    """valence and arousal where they are known, else the AUs that are present most often."""
    time = table["frame"].to_numpy()
    affect = [
        (name, time, table[name].to_numpy(), table[f"predicted_{name}"].to_numpy())
        for name in ("valence", "arousal")
        if not np.isnan(table[name].to_numpy() - table[f"predicted_{name}"].to_numpy()).all()
    ]
    if affect:
        return affect
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    known = (units != facs.UNKNOWN).any(axis=0) & ~np.isnan(probabilities).all(axis=0)
    present = np.where(known, (units == facs.PRESENT).sum(axis=0), -1)
    chosen = [column for column in np.argsort(-present, kind="stable")[:_UNITS] if present[column] >= 0]
    return [
        (facs.LABELS[column], time, np.maximum(units[:, column], 0), probabilities[:, column])
        for column in sorted(chosen)
    ]
