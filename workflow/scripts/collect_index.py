"""Rule collect_index: the shards' indices -> one."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.records.index import collect_index

if __name__ == "__main__":
    with job(snakemake.log[0]):
        collect_index(
            [Path(part) for part in snakemake.input.parts],
            index=Path(snakemake.output.index),
            counts=Path(snakemake.output.counts),
        )
