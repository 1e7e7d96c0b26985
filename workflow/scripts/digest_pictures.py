"""Rule digest_pictures: a data set -> digests of its pictures."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.leakage import digest_pictures

if __name__ == "__main__":
    with job(snakemake.log[0]):
        digest_pictures(
            snakemake.wildcards.benchmark,
            Path(snakemake.params.root),
            snakemake.params.split,
            processes=snakemake.threads,
            out=Path(snakemake.output.pictures),
        )
