"""Rule draw_download: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.download import draw_download

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_download(Path(snakemake.input.summary), snakemake.params.synthetic, Path(snakemake.output.figure))
