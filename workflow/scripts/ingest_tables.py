"""Rule ingest_tables: spreadsheets -> labels and rejects."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.spreadsheet.ingest import ingest

if __name__ == "__main__":
    with job(snakemake.log[0]):
        counts = ingest(
            [Path(table) for table in snakemake.input.tables],
            labels=Path(snakemake.output.labels),
            rejects=Path(snakemake.output.rejects),
        )
        for what, count in counts.most_common():
            print(f"{count} rows: {what}")
