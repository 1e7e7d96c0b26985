"""Rule download_partition: one partition's URLs -> images and a part of the ledger."""

from pathlib import Path

from affectflow.download.partition import download_partition
from affectflow.download.settings import Settings
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        counts = download_partition(
            Path(snakemake.input.file_names),
            partition=int(snakemake.wildcards.part),
            partitions=snakemake.params.partitions,
            images=Path(snakemake.params.images),
            journal_folder=Path(snakemake.params.journal),
            out=Path(snakemake.output.ledger),
            settings=Settings.of(snakemake.params.settings),
            code=snakemake.params.code,
        )
        for outcome, count in counts.most_common():
            print(f"{count} {outcome}")
