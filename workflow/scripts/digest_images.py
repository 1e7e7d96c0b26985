"""Rule digest_images: a data set -> digests of its images."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.leakage import digest_images

if __name__ == "__main__":
    with job(snakemake.log[0]):
        digest_images(
            snakemake.wildcards.benchmark,
            Path(snakemake.params.root),
            snakemake.params.split,
            processes=snakemake.threads,
            out=Path(snakemake.output.images),
        )
