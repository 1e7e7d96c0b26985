"""Rule fetch_weights: a backbone's ImageNet weights."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.training.backbones import fetch_weights

if __name__ == "__main__":
    with job(snakemake.log[0]):
        fetch_weights(
            snakemake.wildcards.backbone,
            base_url=snakemake.params.base_url,
            out=Path(snakemake.output.weights),
            record=Path(snakemake.params.record),
        )
