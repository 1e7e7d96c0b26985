"""Rule merge_traces: annotators' traces -> valence and arousal of each image."""

from pathlib import Path

from affectflow.annotation.consensus import MergeOptions
from affectflow.annotation.merge import Outputs, merge_traces
from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        frames, without = merge_traces(
            Path(snakemake.params.traces),
            Path(snakemake.input.manifest),
            Outputs(
                merged=Path(snakemake.output.merged),
                agreement=Path(snakemake.output.agreement),
                annotators=Path(snakemake.output.annotators),
            ),
            MergeOptions.of(snakemake.params.merge_options),
        )
        print(f"{frames} frames, {without} of them without values")
        print(Path(snakemake.output.annotators).read_text())
