"""Rule draw_reliability: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.reliability import draw_reliability

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_reliability(
            Path(snakemake.input.table),
            snakemake.wildcards.run,
            snakemake.params.synthetic,
            Path(snakemake.output.figure),
        )
