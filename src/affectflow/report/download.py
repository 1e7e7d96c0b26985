"""Figure of the outcomes of downloads beside those of 2017."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow.download.ledger import SUMMARY_COLUMNS
from affectflow.report.style import BLUE, GREY, figure
from affectflow.tables.csv_files import read_csv

_URLS_2017 = 25_000


def draw_download(summary: Path, synthetic: bool, out: Path) -> None:
    """Draw failures by class, in percent of all URLs.

    Args:
        summary: CSV with :data:`affectflow.download.ledger.SUMMARY_COLUMNS`.
        synthetic: whether the data is drawn.
        out: figure.
    """
    rows = list(read_csv(summary, SUMMARY_COLUMNS))
    failures = [row for row in rows if row["report_2017"]]
    downloaded = next(row for row in rows if not row["report_2017"])
    then = [100 * int(row["report_2017"]) / _URLS_2017 for row in failures]
    now = [float(row["share_percent"]) for row in failures]
    title = f"{downloaded['urls']} images downloaded; failures by class"
    with figure(out, 7, 3.6, title, synthetic) as drawing:
        axes = drawing.subplots()
        places = np.arange(len(failures))
        axes.barh(places - 0.2, then, 0.4, color=GREY, label="report of 2017 (of about 25,000 URLs)")
        axes.barh(places + 0.2, now, 0.4, color=BLUE, label="this run")
        axes.set_yticks(places, [row["class"] for row in failures])
        axes.invert_yaxis()
        axes.set_xlabel("% of URLs")
        axes.legend()
