"""Figure of annotated valence and arousal: coverage, agreement, and the merged values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from affectflow.annotation.columns import AFFECT_COLUMNS, ANNOTATOR_COLUMNS, INCLUDED
from affectflow.annotation.recording import DIMENSIONS
from affectflow.report.style import BLUE, GREY, ORANGE, draw_affect_histogram, figure
from affectflow.tables.csv_files import read_csv

_COLORS = dict(zip(DIMENSIONS, (BLUE, ORANGE), strict=True))
_EDGES = np.linspace(-1, 1, 41).tolist()
_MAX_ANNOTATORS = 20


def draw_annotation(merged: Path, annotators: Path, synthetic: bool, out: Path) -> None:
    """Draw annotators per image, each annotator's CCC with the others, and the distribution of merged values.

    Args:
        merged: CSV with :data:`affectflow.annotation.columns.AFFECT_COLUMNS`.
        annotators: CSV with :data:`affectflow.annotation.columns.ANNOTATOR_COLUMNS`.
        synthetic: whether the data is drawn.
        out: figure.
    """
    rows = list(read_csv(merged, AFFECT_COLUMNS))
    counts = {d: np.array([int(row[f"{d}_annotators"]) for row in rows], np.int64) for d in DIMENSIONS}
    values = {d: np.array([float(row[d] or "nan") for row in rows]) for d in DIMENSIONS}
    with figure(out, 11, 3.2, "Annotated valence and arousal", synthetic) as drawing:
        coverage, agreement, histogram, plane = drawing.subplots(1, 4)
        _draw_coverage(coverage, counts)
        _draw_agreement(agreement, list(read_csv(annotators, ANNOTATOR_COLUMNS)))
        for dimension, column in values.items():
            known = column[~np.isnan(column)]
            histogram.hist(known, bins=_EDGES, histtype="step", color=_COLORS[dimension], label=dimension)
        histogram.set(xlabel="merged value", ylabel="images", xlim=(-1, 1))
        histogram.legend(fontsize=7)
        both = np.all([~np.isnan(values[d]) for d in DIMENSIONS], axis=0)
        draw_affect_histogram(plane, values["valence"][both], values["arousal"][both], _EDGES)


def _draw_coverage(axes: Axes, counts: dict[str, NDArray[np.int64]]) -> None:
    most = max((int(column.max(initial=0)) for column in counts.values()), default=0)
    for place, (dimension, column) in enumerate(counts.items()):
        images = np.bincount(column, minlength=most + 1)
        axes.bar(np.arange(most + 1) + 0.4 * place - 0.2, images, 0.4, color=_COLORS[dimension], label=dimension)
    axes.set(xlabel="annotators", ylabel="images", xticks=range(most + 1))
    axes.legend(fontsize=7)


def _draw_agreement(axes: Axes, rows: Sequence[dict[str, str]]) -> None:
    """Draw each annotator's CCC; annotators who were left out of the merge are grey."""
    names = list(dict.fromkeys(row["annotator"] for row in rows))[:_MAX_ANNOTATORS]
    places = {name: place for place, name in enumerate(names)}
    for row in rows:
        if row["annotator"] in places and row["ccc_with_others"]:
            shift = 0.2 if row["dimension"] == DIMENSIONS[0] else -0.2
            color = _COLORS[row["dimension"]] if row["included"] == INCLUDED else GREY
            axes.barh(places[row["annotator"]] + shift, float(row["ccc_with_others"]), 0.4, color=color)
    axes.set(xlabel="CCC with the others' mean", xlim=(-1, 1), yticks=range(len(names)))
    axes.set_yticklabels(names, fontsize=7)
    axes.axvline(0, color="black", linewidth=0.6)
