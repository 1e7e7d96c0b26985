"""Rule write_overview: the page of the report that is read first."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.overview import write_overview

if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_overview(
            [Path(path) for path in snakemake.input.scores],
            Path(snakemake.input.summary) if snakemake.input.summary else None,
            [Path(path) for path in snakemake.input.figures],
            snakemake.params.synthetic,
            snakemake.params.faces,
            Path(snakemake.output.page),
        )
