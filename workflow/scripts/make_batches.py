"""Rule make_batches: images -> videos to annotate."""

from pathlib import Path

from affectflow.annotation.videos import make_batches
from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        count = make_batches(
            Path(snakemake.input.ledger),
            images=Path(snakemake.params.images),
            manifest=Path(snakemake.output.manifest),
            state=Path(snakemake.params.state),
            frames_per_batch=snakemake.params.frames_per_batch,
            frame_rate=snakemake.params.frame_rate,
            size=snakemake.params.image_size,
            code=snakemake.params.code,
            processes=snakemake.threads,
        )
        print(f"{count} batches")
