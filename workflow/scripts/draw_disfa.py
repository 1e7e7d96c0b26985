"""Rule draw_disfa: the drawn benchmark."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.demo.videos import Video, make_disfa

if __name__ == "__main__":
    with job(snakemake.log[0]):
        make_disfa(
            Video(snakemake.params.seed, snakemake.params.frames, snakemake.params.size),
            subjects=snakemake.params.subjects,
            processes=snakemake.threads,
            root=Path(snakemake.output.marker).parent,
        )
