"""Rule write_frames: a benchmark's videos or images -> TFRecords that all models are scored on."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.records.encoding import ImageEncoding
from affectflow.records.frames import Source, write_frames

if __name__ == "__main__":
    with job(snakemake.log[0]):
        frames = write_frames(
            Source(
                snakemake.wildcards.dataset,
                Path(snakemake.params.root),
                snakemake.params.split,
                faces=Path(snakemake.input.faces) if snakemake.input.faces else None,
            ),
            max_gap_s=snakemake.params.max_gap_s,
            form=ImageEncoding(**snakemake.params.form),
            processes=snakemake.threads,
            out=Path(snakemake.output.frames),
            left_out=Path(snakemake.output.left_out),
        )
        print(f"{frames} frames")
