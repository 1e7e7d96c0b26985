"""The stage that reads spreadsheets of image URLs and AU labels."""

from __future__ import annotations

from pathlib import Path

from affectflow.core.stage import Output, stage


@stage("spreadsheet", "facs", "tables.delimited", "tables.workbook", "tables.xlsx")
def ingest_tables(tables: list[Path], labels: Output, rejects: Output) -> str:
    """Read spreadsheets of image URLs and AU labels.

    Args:
        tables: .xlsx, .csv or TAB separated .txt files, or folders of them.
        labels: Table of URLs and labels.
        rejects: Table of rows that were not used, with the reason.
    """
    from affectflow.spreadsheet.ingest import ingest
    from affectflow.tables.files import table_files

    counts = ingest([file for table in tables for file in table_files(table)], labels, rejects)
    return "\n".join(f"{count} rows: {what}" for what, count in counts.most_common())
