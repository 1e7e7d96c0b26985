"""Rule draw_pictures: a figure of the report."""

from pathlib import Path

from affectflow.job import job
from affectflow.report.pictures import draw_pictures

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_pictures(
            Path(snakemake.input.samples).parent,
            Path(snakemake.input.predictions),
            Path(snakemake.input.card),
            snakemake.params.faces,
            Path(snakemake.output.figure),
        )
