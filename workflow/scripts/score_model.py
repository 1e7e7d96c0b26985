"""Rule score_model: predictions -> a score file."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import protocol
from affectflow.evaluation.score import score

if __name__ == "__main__":
    with job(snakemake.log[0]):
        given = snakemake.input
        files = zip(given.predictions, given.left_out, given.card, given.model, given.overlap, strict=True)
        score(
            protocol(snakemake.wildcards.benchmark, snakemake.wildcards.protocol.lstrip("-")),
            snakemake.wildcards.run,
            [
                RunPredictions.of_run(run, *map(Path, part))
                for run, part in zip(snakemake.params.runs, files, strict=True)
            ],
            snapshot=Path(given.snapshot[0]) if given.snapshot else None,
            bootstrap_samples=snakemake.params.bootstrap_samples,
            config_sha256=snakemake.params.config_sha256,
            code_sha256=snakemake.params.code,
            out=Path(snakemake.output.score),
        )
