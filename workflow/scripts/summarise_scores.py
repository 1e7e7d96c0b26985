"""Rule summarise_scores: all score files -> a table of each, and one of the means over seeds."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.summary import summarise, summarise_seeds, table

if __name__ == "__main__":
    with job(snakemake.log[0]):
        scores, seeds = ([Path(path) for path in files] for files in (snakemake.input.scores, snakemake.input.seeds))
        summarise(scores, Path(snakemake.output.summary))
        summarise_seeds(seeds, Path(snakemake.output.seeds))
        print(table([*scores, *seeds]))
