"""Rule draw_units: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.action_units import draw_units

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_units(Path(snakemake.input.score), Path(snakemake.output.figure))
