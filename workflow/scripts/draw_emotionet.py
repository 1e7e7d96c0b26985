"""Rule draw_emotionet: the drawn EmotioNet."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.demo.emotionet import make_emotionet

if __name__ == "__main__":
    with job(snakemake.log[0]):
        make_emotionet(
            seed=snakemake.params.seed,
            images=snakemake.params.images,
            size=snakemake.params.image_size,
            port=snakemake.params.web_port,
            edition=snakemake.params.edition,
            processes=snakemake.threads,
            table=Path(snakemake.output.table),
            truth=Path(snakemake.output.truth),
            routes=Path(snakemake.output.routes),
            web=Path(snakemake.params.web),
        )
