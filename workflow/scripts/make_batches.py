"""Rule make_batches: images -> videos to annotate."""

from pathlib import Path

from affectflow.annotation.videos import make_annotation_videos
from affectflow.core.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        count = make_annotation_videos(
            Path(snakemake.input.ledger),
            images=Path(snakemake.params.images),
            manifest=Path(snakemake.output.manifest),
            state=Path(snakemake.params.state),
            frames_per_video=snakemake.params.frames_per_batch,
            frame_rate=snakemake.params.frame_rate,
            size=snakemake.params.image_size,
            code=snakemake.params.code,
            processes=snakemake.threads,
        )
        print(f"{count} annotation videos")
