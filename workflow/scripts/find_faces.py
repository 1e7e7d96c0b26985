"""Rule find_faces: the faces in one part of the downloaded images."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.faces.find import Search, find_downloaded_faces

if __name__ == "__main__":
    with job(snakemake.log[0]):
        counts = find_downloaded_faces(
            Path(snakemake.input.ledger),
            images=Path(snakemake.params.images),
            part=int(snakemake.wildcards.part),
            parts=snakemake.params.parts,
            search=Search(Path(snakemake.input.model), **snakemake.params.search),
            state=Path(snakemake.params.state),
            processes=snakemake.threads,
            out=Path(snakemake.output.faces),
        )
        for outcome, count in counts.most_common():
            print(f"{count} {outcome}")
