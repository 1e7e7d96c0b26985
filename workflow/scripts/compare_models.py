"""Rule compare_models: two runs' predictions -> the differences between their scores."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.compare import compare
from affectflow.evaluation.outputs import RunPredictions
from affectflow.evaluation.protocols import protocol

if __name__ == "__main__":
    with job(snakemake.log[0]):
        given, runs, others = snakemake.input, snakemake.params.runs, snakemake.params.others
        files = zip(given.predictions, given.left_out, given.card, given.model, strict=True)
        parts = [
            RunPredictions.of_run(run, *map(Path, part)) for run, part in zip([*runs, *others], files, strict=True)
        ]
        compare(
            protocol(snakemake.wildcards.benchmark, snakemake.wildcards.protocol.lstrip("-")),
            {snakemake.wildcards.run: parts[: len(runs)], snakemake.wildcards.other: parts[len(runs) :]},
            bootstrap_samples=snakemake.params.bootstrap_samples,
            out=Path(snakemake.output.comparison),
        )
