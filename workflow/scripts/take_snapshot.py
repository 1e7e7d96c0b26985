"""Rule take_snapshot: ledger and samples -> the set without its images, and how it differs from the one asked for."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.download.snapshot import compare, read_snapshot, write_differences, write_snapshot
from affectflow.records.snapshot import take_snapshot, write_card

if __name__ == "__main__":
    with job(snakemake.log[0]):
        snapshot = take_snapshot(Path(snakemake.input.ledger), Path(snakemake.input.samples))
        comparison = None
        if snakemake.input.reference:
            comparison = compare(read_snapshot(Path(snakemake.input.reference)), Path(snakemake.input.ledger))
            write_differences(comparison, Path(snakemake.output.differences))
        write_snapshot(snapshot, Path(snakemake.output.snapshot))
        write_card(snapshot, comparison, Path(snakemake.output.card))
