"""Rule take_snapshot: ledger and samples -> the set without its pictures, and how it differs from the one asked for."""

from pathlib import Path

from affectflow.job import job
from affectflow.snapshot.compare import compare, write_differences
from affectflow.snapshot.form import read_snapshot, write_snapshot
from affectflow.snapshot.take import take_snapshot, write_card

if __name__ == "__main__":
    with job(snakemake.log[0]):
        snapshot = take_snapshot(Path(snakemake.input.ledger), Path(snakemake.input.samples))
        comparison = None
        if snakemake.input.reference:
            comparison = compare(read_snapshot(Path(snakemake.input.reference)), Path(snakemake.input.ledger))
            write_differences(comparison, Path(snakemake.output.differences))
        write_snapshot(snapshot, Path(snakemake.output.snapshot))
        write_card(snapshot, comparison, Path(snakemake.output.card))
