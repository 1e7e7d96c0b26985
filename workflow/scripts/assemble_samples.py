"""Rule assemble_samples: labels, ledger and affect -> samples with split and shard."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.records.assemble import AssemblyInputs, AssemblyOptions, assemble

if __name__ == "__main__":
    with job(snakemake.log[0]):
        counts = assemble(
            AssemblyInputs(
                labels=Path(snakemake.input.labels),
                ledger=Path(snakemake.input.ledger),
                affect=Path(snakemake.input.affect) if snakemake.input.affect else None,
                snapshot=Path(snakemake.input.snapshot) if snakemake.input.snapshot else None,
                faces=[Path(path) for path in snakemake.input.faces],
            ),
            AssemblyOptions(
                on_missing_face=snakemake.params.on_missing_face,
                shards=snakemake.params.shards,
                validation_fraction=snakemake.params.validation_fraction,
                test_fraction=snakemake.params.test_fraction,
                near_duplicate_bits=snakemake.params.near_duplicate_bits,
            ),
            samples=Path(snakemake.output.samples),
            left_out=Path(snakemake.output.left_out),
        )
        print(counts)
