"""Rule draw_affwild: the drawn benchmark."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.demo.videos import Video, make_affwild

if __name__ == "__main__":
    with job(snakemake.log[0]):
        make_affwild(
            Video(snakemake.params.seed, snakemake.params.frames, snakemake.params.size),
            videos=snakemake.params.videos,
            processes=snakemake.threads,
            root=Path(snakemake.output.marker).parent,
        )
