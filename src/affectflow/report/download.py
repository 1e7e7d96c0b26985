"""What became of the URLs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from affectflow.download.ledger import SUMMARY_COLUMNS
from affectflow.report.panel import BLUE, CLICKED, GREY, OPACITY, Panel, chart, colors, table
from affectflow.tables.csv_files import read_csv

_URLS_2017 = 25_000
_SERIES = {"this run": BLUE, "report of 2017": GREY}


def download_panels(summary: Path) -> Iterator[Panel]:
    """Yield failures by class as a chart, and all outcomes as a table.

    Args:
        summary: CSV with :data:`affectflow.download.ledger.SUMMARY_COLUMNS`.
    """
    rows = list(read_csv(summary, SUMMARY_COLUMNS))
    total = sum(int(row["urls"]) for row in rows)
    downloaded = sum(int(row["urls"]) for row in rows if not row["report_2017"])
    failures = [row for row in rows if row["report_2017"]]
    values = [
        {"class": row["class"], "series": series, "share": share, "URLs": urls}
        for row in failures
        for series, share, urls in (
            ("this run", float(row["share_percent"]), int(row["urls"])),
            ("report of 2017", 100 * int(row["report_2017"]) / _URLS_2017, int(row["report_2017"])),
        )
    ]
    yield Panel(
        title=f"Download: {downloaded:,} of {total:,} images",
        look_for="Many time-outs or name failures point at the network of this machine; try them again with "
        "download.retry_round. Many 404s are the age of the list. results/emotionet/errors.csv names every URL, "
        "rejects.csv and left_out.csv the rows without a usable URL or label.",
        chart=chart(
            values,
            26 * max(len(failures), 1),
            params=[CLICKED],
            mark={"type": "bar"},
            encoding={
                "y": {"field": "class", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 200}},
                "yOffset": {"field": "series", "sort": list(_SERIES)},
                "x": {"field": "share", "type": "quantitative", "title": "% of URLs"},
                "color": colors(_SERIES),
                "opacity": OPACITY,
                "tooltip": [
                    {"field": "class"},
                    {"field": "series"},
                    {"field": "URLs", "format": ","},
                    {"field": "share", "format": ".2f", "title": "%"},
                ],
            },
        ),
    )
    yield Panel(
        title="Outcomes of the download",
        look_for="The report of 2017 counted failures of about 25,000 URLs.",
        table=table(
            ("outcome", "URLs", "%", "report of 2017"),
            (
                (
                    row["class"],
                    int(row["urls"]),
                    f"{float(row['share_percent']):.2f}",
                    int(row["report_2017"]) if row["report_2017"] else None,
                )
                for row in rows
            ),
        ),
    )
