"""Rule collect_ledger: the partitions' ledgers -> one, with the failures as a person reads them."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.download.ledger import collect_ledger

if __name__ == "__main__":
    with job(snakemake.log[0]):
        collect_ledger(
            [Path(part) for part in snakemake.input.parts],
            urls=Path(snakemake.input.file_names),
            ledger=Path(snakemake.output.ledger),
            errors=Path(snakemake.output.errors),
            summary=Path(snakemake.output.summary),
        )
        print(Path(snakemake.output.summary).read_text())
