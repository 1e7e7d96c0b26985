"""Rule merge_traces: annotators' traces -> valence and arousal of each image."""

from pathlib import Path

from affectflow.annotation.merge import merge_traces
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        frames, without = merge_traces(
            Path(snakemake.params.traces),
            manifest=Path(snakemake.input.manifest),
            merged=Path(snakemake.output.merged),
            agreement=Path(snakemake.output.agreement),
            trace_range=snakemake.params.trace_range,
        )
        print(f"{frames} frames, {without} of them without values")
        print(Path(snakemake.output.agreement).read_text())
