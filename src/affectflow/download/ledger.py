"""The ledger: one row for each distinct URL, and what people read of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from affectflow import names
from affectflow.download.outcomes import OK, REPORT_CLASSES, report_class
from affectflow.errors import UserError
from affectflow.tables import read_csv, read_parquet, write_csv, write_parquet

LEDGER_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("url_orig", pa.string()),
        ("file_name", pa.string()),
        ("outcome", pa.string()),
        ("detail", pa.string()),
        ("http_status", pa.int32()),
        ("final_url", pa.string()),
        ("attempts", pa.int32()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("dhash", pa.string()),
    ]
)
ERROR_COLUMNS = ("url", "outcome", "http_status", "attempts", "detail")
SUMMARY_COLUMNS = ("class", "report_2017", "urls", "share_percent")


def collect_ledger(parts: Sequence[Path], file_names: Path, ledger: Path, errors: Path, summary: Path) -> Counter[str]:
    """Join the partitions' ledgers in the order of the file name table; returns counts by outcome.

    Raises :class:`UserError` when a URL is missing from the parts or when no image at all came.
    """
    by_url = {row["url"]: row for part in parts for row in read_parquet(part, LEDGER_SCHEMA).to_pylist()}
    rows = []
    for row in read_csv(file_names, names.COLUMNS):
        if row["url"] not in by_url:
            raise UserError(f"The download has no outcome for {row['url'][:200]!r}; run the download again.")
        rows.append(by_url[row["url"]])
    counts = Counter(str(row["outcome"]) for row in rows)
    if not counts[OK]:
        failures = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common(3))
        raise UserError(
            f"None of the {len(rows)} URLs gave an image ({failures}); check the network, raise download.round "
            "and run again."
        )
    write_parquet(ledger, LEDGER_SCHEMA, rows)
    write_csv(
        errors,
        ERROR_COLUMNS,
        ([row[column] for column in ERROR_COLUMNS] for row in rows if row["outcome"] != OK),
    )
    classes = Counter(report_class(row["outcome"], row["http_status"]) for row in rows)
    lines = [("downloaded", "", classes[None])] + [(name, count, classes[name]) for name, count in REPORT_CLASSES]
    write_csv(
        summary,
        SUMMARY_COLUMNS,
        ((name, then, now, f"{100 * now / len(rows):.2f}") for name, then, now in lines),
    )
    return counts
