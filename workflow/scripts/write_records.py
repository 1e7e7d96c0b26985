"""Rule write_records: one shard of the samples -> TFRecords."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.datasets.sample import SPLITS
from affectflow.records.encoding import ImageEncoding
from affectflow.records.write import write_shard

if __name__ == "__main__":
    with job(snakemake.log[0]):
        unchanged = write_shard(
            Path(snakemake.input.samples),
            images=Path(snakemake.params.images),
            shard=int(snakemake.wildcards.shard),
            files={split: Path(snakemake.output[split]) for split in SPLITS},
            index=Path(snakemake.output.index),
            store=Path(snakemake.params.store),
            form=ImageEncoding(**snakemake.params.form),
            code=snakemake.params.code,
        )
        print("unchanged" if unchanged else "written")
