"""Stages from URLs to images and the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from affectflow.core.stage import Output, Setting, stage


@stage("download", "datasets.sample", "facs", "media.file_names")
def name_files(labels: Path, file_names: Output, snapshot: Path | None = None) -> str:
    """Give each URL a file name.

    Args:
        labels: Table of URLs and labels.
        file_names: Table of URLs and their file names.
        snapshot: Name only the URLs of this snapshot.
    """
    from affectflow.download.name_files import write_file_names

    return f"{write_file_names(labels, snapshot, file_names)} distinct URLs"


@stage("download", "media")
def download_partition(
    file_names: Path,
    ledger: Output,
    part: int,
    images: Path,
    journal: Path,
    at_once: int,
    code: str,
    settings: Annotated[dict[str, Any], Setting("download", tracked=False)],
    partitions: Annotated[int, Setting("download.partitions")],
) -> str:
    """Download one partition of the URLs.

    Args:
        file_names: Table of URLs and their file names.
        ledger: The partition's part of the ledger.
        part: Number of the partition, from 0.
        images: Folder of the image store.
        journal: Folder of the journals, by which an interrupted download is resumed.
        at_once: Partitions that are downloaded at the same time and share each host's limits.
        code: Digest of the download's code; failures are tried again when it changes.
    """
    from affectflow.download.command import Tally
    from affectflow.download.ledger import write_part
    from affectflow.download.list_files import estimate
    from affectflow.download.outcomes import counted
    from affectflow.download.partition import PartitionSpec, RetryPolicy, cache_key_of, fetch_partition, outcomes
    from affectflow.download.settings import Settings

    spec = PartitionSpec(
        urls=file_names, partition=part, partitions=partitions, images=images, journal=journal, at_once=at_once
    )
    how = Settings.of(settings)
    policy = RetryPolicy(cache_key_of(how, code), outcomes=frozenset(how.retry_outcomes))
    with Tally(estimate(spec.urls) // spec.partitions) as tally:
        fetch_partition(spec, how, policy, tally.add)
    counts = write_part(ledger, outcomes(spec))
    return counted(counts)


@stage("download", "media.file_names")
def collect_ledger(parts: list[Path], file_names: Path, ledger: Output, errors: Output, summary: Output) -> str:
    """Join the partitions' ledgers, and list and count the failures.

    Args:
        parts: Ledgers of all partitions, in their order.
        file_names: Table of URLs and their file names.
        ledger: Table of all URLs and their outcomes.
        errors: Table of the failures.
        summary: Counts by the classes of the report of 2017.
    """
    from affectflow.download.ledger import collect_ledger as collect
    from affectflow.download.outcomes import counted

    counts = collect(parts, urls=file_names, ledger=ledger, errors=errors, summary=summary)
    return counted(counts)
