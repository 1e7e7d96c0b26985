"""Rule name_files: a file name for each URL."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.download.name_files import write_file_names

if __name__ == "__main__":
    with job(snakemake.log[0]):
        snapshot = Path(snakemake.input.snapshot) if snakemake.input.snapshot else None
        count = write_file_names(Path(snakemake.input.labels), snapshot, Path(snakemake.output.file_names))
        print(f"{count} distinct URLs")
