"""What became of the URLs, beside what became of them in 2017."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectflow.download.ledger import SUMMARY_COLUMNS
from affectflow.report.style import BLUE, GREY, figure
from affectflow.tables.csv_files import read_csv

_URLS_2017 = 25_000


def draw_download(summary: Path, synthetic: bool, out: Path) -> None:
    """Failures by class, in percent of all URLs."""
    rows = [row for row in read_csv(summary, SUMMARY_COLUMNS) if row["report_2017"]]
    downloaded = next(row for row in read_csv(summary, SUMMARY_COLUMNS) if not row["report_2017"])
    then = [100 * int(row["report_2017"]) / _URLS_2017 for row in rows]
    now = [float(row["share_percent"]) for row in rows]
    title = f"{downloaded['urls']} images downloaded; failures by class"
    with figure(out, 7, 3.6, title, synthetic) as drawing:
        axes = drawing.subplots()
        places = np.arange(len(rows))
        axes.barh(places - 0.2, then, 0.4, color=GREY, label="report of 2017 (of about 25,000 URLs)")
        axes.barh(places + 0.2, now, 0.4, color=BLUE, label="this run")
        axes.set_yticks(places, [row["class"] for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("% of URLs")
        axes.legend()
