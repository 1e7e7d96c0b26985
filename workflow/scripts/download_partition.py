"""Rule download_partition: one partition's URLs -> images and a part of the ledger."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.download.command import Tally
from affectflow.download.ledger import write_part
from affectflow.download.lists import estimate
from affectflow.download.partition import Again, Share, fetch_partition, outcomes, stamp_of
from affectflow.download.settings import Settings

if __name__ == "__main__":
    with job(snakemake.log[0]):
        share = Share(
            urls=Path(snakemake.input.file_names),
            partition=int(snakemake.wildcards.part),
            partitions=snakemake.params.partitions,
            images=Path(snakemake.params.images),
            journal=Path(snakemake.params.journal),
            at_once=snakemake.resources.at_once,
        )
        settings = Settings.of(snakemake.config["download"])
        again = Again(stamp_of(settings, snakemake.params.code), classes=frozenset(settings.retry))
        with Tally(estimate(share.urls) // share.partitions) as tally:
            fetch_partition(share, settings, again, tally.add)
        for outcome, count in write_part(Path(snakemake.output.ledger), outcomes(share)).most_common():
            print(f"{count} {outcome}")
