"""Rule score_model: predictions -> a score file."""

from pathlib import Path

from affectflow.evaluation.score import score
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        score(
            snakemake.wildcards.benchmark,
            snakemake.wildcards.run,
            predictions=Path(snakemake.input.predictions),
            left_out=Path(snakemake.input.left_out),
            card=Path(snakemake.input.card),
            model=Path(snakemake.input.model),
            snapshot=Path(snakemake.input.snapshot[0]) if snakemake.input.snapshot else None,
            config_sha256=snakemake.params.config_sha256,
            code_sha256=snakemake.params.code,
            out=Path(snakemake.output.score),
        )
