"""Rule find_dataset_faces: the faces in a data set that lies in a folder."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.faces.find import Search, find_dataset_faces

if __name__ == "__main__":
    with job(snakemake.log[0]):
        search = None
        if snakemake.input.model:
            search = Search(Path(snakemake.input.model), **snakemake.params.search)
        counts = find_dataset_faces(
            snakemake.wildcards.dataset,
            Path(snakemake.params.root),
            snakemake.params.split,
            search,
            processes=snakemake.threads,
            out=Path(snakemake.output.faces),
        )
        for outcome, count in counts.most_common():
            print(f"{count} {outcome or 'no face is given'}")
