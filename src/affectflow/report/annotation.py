"""Annotated valence and arousal: coverage, agreement, and the merged values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectflow.annotation.columns import AFFECT_COLUMNS, ANNOTATOR_COLUMNS, INCLUDED
from affectflow.annotation.recording import DIMENSIONS
from affectflow.report.affect_plane import binned
from affectflow.report.panel import BLUE, CLICKED, OPACITY, ORANGE, Panel, Spec, chart, colors
from affectflow.tables.csv_files import read_csv

_SERIES = dict(zip(DIMENSIONS, (BLUE, ORANGE), strict=True))


def annotation_panels(merged: Path, annotators: Path) -> Iterator[Panel]:
    """Yield annotators per image, each annotator's agreement with the others, and where merged values lie.

    Args:
        merged: CSV with :data:`affectflow.annotation.columns.AFFECT_COLUMNS`.
        annotators: CSV with :data:`affectflow.annotation.columns.ANNOTATOR_COLUMNS`.
    """
    rows = list(read_csv(merged, AFFECT_COLUMNS))
    values = {d: np.array([float(row[d] or "nan") for row in rows], np.float64) for d in DIMENSIONS}
    yield Panel(
        title=f"Annotators of {len(rows):,} images",
        look_for="An image that one person rated has that person's lag and habits; three make a mean worth the name.",
        chart=_coverage(rows),
    )
    yield Panel(
        title="Agreement of annotators",
        look_for="CCC of each annotator with the mean of the others. A negative one has turned the axis around; a "
        "hollow point is an annotator whom the merge left out.",
        chart=_agreement(list(read_csv(annotators, ANNOTATOR_COLUMNS))),
    )
    yield Panel(
        title="Merged valence and arousal",
        look_for="Darker cells hold more images. Corners without images are expressions that a model never sees.",
        chart=binned(_both_known(values)),
    )


def _both_known(values: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    known = np.all([~np.isnan(column) for column in values.values()], axis=0)
    return {name: column[known] for name, column in values.items()}


def _coverage(rows: Sequence[dict[str, str]]) -> Spec:
    counts = Counter((d, int(row[f"{d}_annotators"])) for row in rows for d in DIMENSIONS)
    values = [{"series": d, "annotators": n, "images": images} for (d, n), images in sorted(counts.items())]
    return chart(
        values,
        200,
        params=[CLICKED],
        mark={"type": "bar"},
        encoding={
            "x": {"field": "annotators", "type": "ordinal", "axis": {"labelAngle": 0}},
            "xOffset": {"field": "series"},
            "y": {"field": "images", "type": "quantitative"},
            "color": colors(_SERIES),
            "opacity": OPACITY,
            "tooltip": [{"field": "series"}, {"field": "annotators"}, {"field": "images", "format": ","}],
        },
    )


def _agreement(rows: Sequence[dict[str, str]]) -> Spec:
    values = [
        {
            "annotator": row["annotator"],
            "series": row["dimension"],
            "ccc": float(row["ccc_with_others"]),
            "frames": int(row["frames"]),
            "included": row["included"],
        }
        for row in rows
        if row["ccc_with_others"]
    ]
    annotators = len({value["annotator"] for value in values})
    return chart(
        values,
        max(80, 22 * annotators),
        params=[CLICKED],
        mark={"type": "point", "size": 90},
        encoding={
            "y": {"field": "annotator", "type": "nominal", "title": None, "axis": {"labelLimit": 180}},
            "x": {"field": "ccc", "type": "quantitative", "scale": {"domain": [-1, 1]}, "title": "CCC with the others"},
            "color": colors(_SERIES),
            "fillOpacity": {"condition": {"test": f"datum.included === '{INCLUDED}'", "value": 0.9}, "value": 0},
            "fill": {"field": "series", "type": "nominal", "scale": {"range": list(_SERIES.values())}, "legend": None},
            "opacity": OPACITY,
            "tooltip": [
                {"field": "annotator"},
                {"field": "series"},
                {"field": "ccc", "format": ".3f"},
                {"field": "frames", "format": ","},
                {"field": "included", "title": "in the merge"},
            ],
        },
    )
