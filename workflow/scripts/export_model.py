"""Rule export_model: a model as SavedModel and ONNX."""

from pathlib import Path

from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        from affectflow.cluster.lease import lease_gpus

        gpus = lease_gpus(0)  # what is written is the same with and without one
        from affectflow.training.saving import export

        export(
            Path(snakemake.input.model),
            Path(snakemake.input.card),
            Path(snakemake.output.saved_model),
            Path(snakemake.output.onnx),
        )
