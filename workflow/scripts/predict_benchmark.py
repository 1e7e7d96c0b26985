"""Rule predict_benchmark: a model's outputs on every frame of a benchmark."""

from pathlib import Path

from affectflow.datasets import get_dataset
from affectflow.evaluation.predictions import predict
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        frames = predict(
            get_dataset(snakemake.wildcards.benchmark, Path(snakemake.params.root), snakemake.params.split),
            Path(snakemake.input.model),
            Path(snakemake.input.card),
            faces=Path(snakemake.input.faces) if snakemake.input.faces else None,
            hold_s=snakemake.params.hold_s,
            batch_size=snakemake.params.batch_size,
            out=Path(snakemake.output.predictions),
            left_out=Path(snakemake.output.left_out),
        )
        print(f"{frames} frames")
