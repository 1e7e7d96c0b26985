"""Rule check_leakage: digests of images -> what a model has seen of a benchmark."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.leakage import Side, check_leakage

if __name__ == "__main__":
    with job(snakemake.log[0]):
        given = zip(snakemake.params.sides, snakemake.input.images, strict=True)
        benchmark, *trained = [Side(name, Path(root), split, Path(table)) for (name, root, split), table in given]
        check_leakage(
            benchmark,
            trained,
            snakemake.params.max_bits,
            pairs=Path(snakemake.output.pairs),
            counts=Path(snakemake.output.counts),
        )
