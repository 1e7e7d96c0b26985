"""Rule describe_model: a model's card."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.report.card import write_card

if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_card(Path(snakemake.input.card), snakemake.wildcards.run, Path(snakemake.output.text))
