"""Rule fetch_detector: the face detector's file."""

from pathlib import Path

from affectflow.core.fetch import fetch_file
from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        fetch_file(
            snakemake.params.url,
            "sha256",
            snakemake.params.sha256,
            key="faces.model.path",
            out=Path(snakemake.output.model),
        )
