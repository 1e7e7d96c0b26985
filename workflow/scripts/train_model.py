"""Rule train_model: records -> a model."""

from pathlib import Path

from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        from affectflow.cluster.job import requeue, seconds_to_train
        from affectflow.cluster.lease import lease_gpus
        from affectflow.training.recipe import Recipe

        seconds = seconds_to_train(snakemake.resources.get("runtime"))
        gpus = lease_gpus(snakemake.params.recipe["gpus"])  # before TensorFlow, which takes all that it sees
        from affectflow.training.interruption import OutOfTime
        from affectflow.training.train import Outputs, Places, TrainingData, train

        try:
            train(
                Recipe.of(snakemake.params.recipe, Path(snakemake.input.weights) if snakemake.input.weights else None),
                TrainingData(
                    train=[Path(path) for path in snakemake.input.train],
                    validation=[Path(path) for path in snakemake.input.validation],
                    image_size=snakemake.params.image_size,
                    synthetic=snakemake.params.synthetic,
                ),
                threads=snakemake.threads,
                places=Places(Path(snakemake.params.state), Path(snakemake.params.board)),
                outputs=Outputs(
                    model=Path(snakemake.output.model),
                    history=Path(snakemake.output.history),
                    metadata=Path(snakemake.output.card),
                    reliability=Path(snakemake.output.reliability),
                ),
                seconds=seconds,
            )
        except OutOfTime:
            requeue()  # where that fails, the workflow tries again
            raise
