"""Rule summarise_scores: all score files -> a table."""

from pathlib import Path

from affectflow.evaluation.summary import summarise, table
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        scores = [Path(path) for path in snakemake.input.scores]
        summarise(scores, Path(snakemake.output.summary))
        print(table(scores))
