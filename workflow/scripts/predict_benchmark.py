"""Rule predict_benchmark: a model's outputs on every frame of a benchmark."""

from pathlib import Path

from affectflow.cluster.lease import lease_gpus
from affectflow.core.job import job
from affectflow.datasets.disfa_labels import subjects_of
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.records import predict_records

if __name__ == "__main__":
    with job(snakemake.log[0]):
        gpus = lease_gpus(1)  # before TensorFlow, which takes all that it sees
        frames = predict_records(
            TrainedModel(Path(snakemake.input.model), Path(snakemake.input.card), snakemake.params.batch_size),
            [Path(path) for path in snakemake.input.frames],
            lost=[Path(path) for path in snakemake.input.left_out],
            groups=subjects_of(snakemake.params.fold),
            out=Path(snakemake.output.predictions),
            left_out=Path(snakemake.output.left_out),
        )
        print(f"{frames} frames")
