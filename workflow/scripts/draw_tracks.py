"""Rule draw_tracks: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.tracks import draw_tracks

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_tracks(Path(snakemake.input.predictions), Path(snakemake.input.score), Path(snakemake.output.figure))
