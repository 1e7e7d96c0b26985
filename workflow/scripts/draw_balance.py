"""Rule draw_balance: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.balance import draw_balance

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_balance(Path(snakemake.input.samples), snakemake.params.synthetic, Path(snakemake.output.figure))
