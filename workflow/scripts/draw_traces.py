"""Rule draw_traces: two drawn annotators trace the batches."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.demo.traces import make_traces

if __name__ == "__main__":
    with job(snakemake.log[0]):
        make_traces(
            seed=snakemake.params.seed,
            images=snakemake.params.images,
            port=snakemake.params.web_port,
            edition=snakemake.params.edition,
            manifest=Path(snakemake.input.manifest),
            truth=Path(snakemake.input.truth),
            out=Path(snakemake.output.marker).parent,
        )
