"""Rule download_partition: one partition's URLs -> images and a part of the ledger."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.download.command import Tally
from affectflow.download.ledger import write_part
from affectflow.download.lists import estimate
from affectflow.download.partition import PartitionSpec, RetryPolicy, cache_key_of, fetch_partition, outcomes
from affectflow.download.settings import Settings

if __name__ == "__main__":
    with job(snakemake.log[0]):
        spec = PartitionSpec(
            urls=Path(snakemake.input.file_names),
            partition=int(snakemake.wildcards.part),
            partitions=snakemake.params.partitions,
            images=Path(snakemake.params.images),
            journal=Path(snakemake.params.journal),
            at_once=snakemake.resources.at_once,
        )
        settings = Settings.of(snakemake.config["download"])
        policy = RetryPolicy(cache_key_of(settings, snakemake.params.code), outcomes=frozenset(settings.retry_outcomes))
        with Tally(estimate(spec.urls) // spec.partitions) as tally:
            fetch_partition(spec, settings, policy, tally.add)
        for outcome, count in write_part(Path(snakemake.output.ledger), outcomes(spec)).most_common():
            print(f"{count} {outcome}")
