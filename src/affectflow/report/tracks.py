"""Figure of labels and predictions over time, for the videos with the smallest and the largest error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from numpy.typing import NDArray

from affectflow import facs
from affectflow.contracts.score import ScoreFile
from affectflow.evaluation.outputs import by_unit
from affectflow.prediction.columns import PREDICTIONS_SCHEMA
from affectflow.report.errors import errors_of
from affectflow.report.style import BLUE, GREY, ORANGE, figure
from affectflow.tables.parquet import read_parquet

_MAX_UNITS = 3
_MIN_FRAMES = 2
_AFFECT = ("valence", "arousal")


@dataclass(frozen=True, slots=True, eq=False)
class _Track:
    """Label and prediction of one AU or dimension in the frames of a video, [frames] each."""

    name: str
    frame: NDArray[Any]
    label: NDArray[Any]
    predicted: NDArray[Any]


def draw_tracks(predictions: Path, score: Path, out: Path) -> None:
    """Draw two columns: the video with the smallest mean error, and the one with the largest.

    Args:
        predictions: table of :data:`affectflow.prediction.columns.PREDICTIONS_SCHEMA`.
        score: score file, for the title.
        out: figure.
    """
    result = ScoreFile.read(score)
    table = read_parquet(predictions, PREDICTIONS_SCHEMA)
    title = f"Videos with the smallest and the largest error of {result.model} on {result.benchmark}"
    videos = [
        (f"{name}, mean error {error:.2f}", _tracks(table.take(rows))) for name, error, rows in best_and_worst(table)
    ]
    height = max((len(tracks) for _, tracks in videos), default=1)
    with figure(out, 9, 1.2 + 1.3 * height, title, result.synthetic) as drawing:
        if not videos:
            drawing.text(0.5, 0.5, "no video has labels with predictions", ha="center")
            return
        grid = drawing.subplots(height, len(videos), squeeze=False, sharex="col")
        for column, (name, tracks) in zip(grid.T, videos, strict=True):
            _draw_video(column, tracks, name)


def best_and_worst(table: pa.Table) -> list[tuple[str, float, NDArray[np.int64]]]:
    """Return the videos with the smallest and the largest mean error of a table of predictions.

    Returns:
        Name, mean error and rows of each; fewer than two where there are fewer videos with errors.
    """
    errors = errors_of(table)
    columns = (table[name].to_pylist() for name in ("subject", "video"))
    videos = np.array([" ".join(filter(None, pair)) for pair in zip(*columns, strict=True)], np.str_)
    found = []
    for name in np.unique(videos):
        rows = np.flatnonzero((videos == name) & ~np.isnan(errors))
        if len(rows) >= _MIN_FRAMES:
            found.append((str(name), float(errors[rows].mean()), rows))
    ranked = sorted(found, key=lambda video: video[1])
    return [ranked[0], ranked[-1]] if len(ranked) > 1 else ranked


def _tracks(table: pa.Table) -> list[_Track]:
    """Return valence and arousal where they are known, else the AUs that are present most often."""
    frame = table["frame"].to_numpy()
    affect = [_Track(name, frame, table[name].to_numpy(), table[f"predicted_{name}"].to_numpy()) for name in _AFFECT]
    known_affect = [track for track in affect if not np.isnan(track.label - track.predicted).all()]
    if known_affect:
        return known_affect
    units, probabilities = by_unit(table, "units"), by_unit(table, "probabilities")
    known = (units != facs.UNKNOWN).any(axis=0) & ~np.isnan(probabilities).all(axis=0)
    present = np.where(known, (units == facs.PRESENT).sum(axis=0), -1)
    chosen = [column for column in np.argsort(-present, kind="stable")[:_MAX_UNITS] if present[column] >= 0]
    return [
        _Track(facs.LABELS[column], frame, np.maximum(units[:, column], 0), probabilities[:, column])
        for column in sorted(chosen)
    ]


def _draw_video(column: Sequence[Axes], tracks: Sequence[_Track], title: str) -> None:
    for axes, track in zip(column, tracks, strict=False):
        axes.fill_between(track.frame, 0, track.label, step="mid", color=GREY, linewidth=0, label="label")
        axes.plot(track.frame, track.predicted, color=BLUE, linewidth=0.8, label="prediction")
        axes.set_ylabel(track.name, fontsize=8)
        lowest, middle = (-1.05, 0) if track.name in _AFFECT else (-0.05, 0.5)
        axes.set_ylim(lowest, 1.05)
        axes.axhline(middle, color=ORANGE, linewidth=0.5, linestyle=":")
    for axes in list(column)[len(tracks) :]:
        axes.set_axis_off()
    column[0].set_title(title, fontsize=8)
    column[min(len(tracks), len(column)) - 1].set_xlabel("frame")
    column[0].legend(fontsize=6, loc="upper right")
