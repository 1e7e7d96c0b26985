"""Rule draw_plane: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.plane import draw_plane

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_plane(Path(snakemake.input.predictions), Path(snakemake.input.score), Path(snakemake.output.figure))
