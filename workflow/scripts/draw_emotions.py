"""Rule draw_emotions: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.emotions import draw_emotions

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_emotions(Path(snakemake.input.predictions), Path(snakemake.input.score), Path(snakemake.output.figure))
