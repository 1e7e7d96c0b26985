"""Rule predict_affect: a model's valence and arousal of the images that are to be annotated."""

from pathlib import Path

from affectflow.cluster.lease import lease_gpus
from affectflow.core.job import job
from affectflow.prediction.model import TrainedModel
from affectflow.prediction.uncertainty import predict_affect

if __name__ == "__main__":
    with job(snakemake.log[0]):
        gpus = lease_gpus(1)  # before TensorFlow, which takes all that it sees
        images = predict_affect(
            TrainedModel(Path(snakemake.input.model), Path(snakemake.input.card), snakemake.params.batch_size),
            Path(snakemake.input.manifest),
            images=Path(snakemake.params.images),
            faces=[Path(path) for path in snakemake.input.faces],
            threads=snakemake.threads,
            out=Path(snakemake.output.predictions),
        )
        print(f"{images} images")
