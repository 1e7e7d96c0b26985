"""Rule summarize_scores: all score files -> a table of each, and one of the means over seeds."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.summary import summarize, summarize_seeds, table

if __name__ == "__main__":
    with job(snakemake.log[0]):
        scores, seeds = ([Path(path) for path in files] for files in (snakemake.input.scores, snakemake.input.seeds))
        summarize(scores, Path(snakemake.output.summary))
        summarize_seeds(seeds, Path(snakemake.output.seeds))
        print(table([*scores, *seeds]))
