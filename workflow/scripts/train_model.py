"""Rule train_model: records -> a model."""

from pathlib import Path

from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        from affectflow.training.train import Recipe, train

        train(
            Recipe.of(snakemake.params.recipe, Path(snakemake.input.weights) if snakemake.input.weights else None),
            train_files=[Path(path) for path in snakemake.input.train],
            validation_files=[Path(path) for path in snakemake.input.validation],
            image_size=snakemake.params.image_size,
            synthetic=snakemake.params.synthetic,
            threads=snakemake.threads,
            model_out=Path(snakemake.output.model),
            history_out=Path(snakemake.output.history),
            card_out=Path(snakemake.output.card),
        )
