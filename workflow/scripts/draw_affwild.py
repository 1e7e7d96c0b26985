"""Rule draw_affwild: the drawn benchmark."""

from pathlib import Path

from affectflow.demo.films import Film, make_affwild
from affectflow.job import job

if __name__ == "__main__":
    with job(snakemake.log[0]):
        make_affwild(
            Film(snakemake.params.seed, snakemake.params.frames, snakemake.params.size),
            videos=snakemake.params.videos,
            processes=snakemake.threads,
            root=Path(snakemake.output.marker).parent,
        )
