"""Rule gather_seeds: the score files of one model's seeds -> their mean, spread and each."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.compare import gather_seeds

if __name__ == "__main__":
    with job(snakemake.log[0]):
        gather_seeds(
            snakemake.wildcards.first,
            dict(zip(snakemake.params.seeds, map(Path, snakemake.input.scores), strict=True)),
            Path(snakemake.output.score),
        )
