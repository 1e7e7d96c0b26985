"""Rule draw_annotation: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.annotation import draw_annotation

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_annotation(
            Path(snakemake.input.merged),
            Path(snakemake.input.annotators),
            synthetic=snakemake.params.synthetic,
            out=Path(snakemake.output.figure),
        )
