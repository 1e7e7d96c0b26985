"""Rule draw_samples: a figure of the report."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.sample_images import draw_samples

if __name__ == "__main__":
    with job(snakemake.log[0]):
        draw_samples(
            [Path(path) for path in snakemake.input.frames],
            Path(snakemake.input.predictions),
            Path(snakemake.input.card),
            snakemake.params.faces,
            Path(snakemake.output.figure),
        )
