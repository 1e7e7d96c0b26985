"""How often each action unit is present, absent and not annotated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affectflow import facs
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.report.panel import BLUE, GREY, ORANGE, Panel, chart, colors
from affectflow.tables.parquet import read_parquet

_LABELS = {
    facs.PRESENT: ("present", ORANGE),
    facs.ABSENT: ("absent", BLUE),
    facs.UNKNOWN: ("not annotated", GREY),
}


def balance_panels(samples: Path) -> Iterator[Panel]:
    """Yield the counts of labels of each AU that has any.

    Args:
        samples: table of :data:`affectflow.datasets.samples_table.SAMPLES_SCHEMA`.
    """
    table = read_parquet(samples, SAMPLES_SCHEMA)
    units = np.array(table["units"].to_pylist(), np.int8).reshape(-1, facs.COUNT)
    shown = [unit for unit in range(1, facs.COUNT + 1) if (units[:, unit - 1] >= 0).any()]
    values = [
        {"AU": facs.label(unit), "series": name, "order": order, "images": int((units[:, unit - 1] == label).sum())}
        for unit in shown
        for order, (label, (name, _)) in enumerate(_LABELS.items())
    ]
    yield Panel(
        title=f"Labels of {len(units):,} EmotioNet images",
        look_for="AUs with few images that show them are learned badly and scored unsurely. AUs that are mostly not "
        "annotated teach little.",
        chart=chart(
            values,
            220,
            mark={"type": "bar"},
            encoding={
                "x": {"field": "AU", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": -60}},
                "y": {"field": "images", "type": "quantitative", "stack": "zero"},
                "order": {"field": "order"},
                "color": colors({name: color for name, color in _LABELS.values()}),
                "tooltip": [{"field": "AU"}, {"field": "series"}, {"field": "images", "format": ","}],
            },
        ),
        wide=True,
    )
