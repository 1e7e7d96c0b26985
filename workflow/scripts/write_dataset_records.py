"""Rule write_dataset_records: videos or images of a data set -> TFRecords."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.datasets import get_dataset
from affectflow.records.dataset import write_dataset_records
from affectflow.records.encoding import ImageEncoding

if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_dataset_records(
            get_dataset(snakemake.params.name, Path(snakemake.params.root), snakemake.params.split),
            train=[Path(path) for path in snakemake.output.train],
            validation=[Path(path) for path in snakemake.output.validation],
            index=Path(snakemake.output.index),
            left_out=Path(snakemake.output.left_out),
            form=ImageEncoding(**snakemake.params.form),
            faces=Path(snakemake.input.faces) if snakemake.input.faces else None,
            on_missing_face=snakemake.params.on_missing_face,
            validation_fraction=snakemake.params.validation_fraction,
        )
