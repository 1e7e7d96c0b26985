"""Rule draw_curves: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.curves import draw_curves

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_curves(
            Path(snakemake.input.history),
            snakemake.wildcards.run,
            snakemake.params.synthetic,
            Path(snakemake.output.figure),
        )
