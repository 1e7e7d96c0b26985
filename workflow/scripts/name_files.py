"""Rule name_files: a file name for each URL."""

from pathlib import Path

from affectflow.job import job
from affectflow.names import write_file_names

if __name__ == "__main__":
    with job(snakemake.log[0]):
        count = write_file_names(Path(snakemake.input.labels), Path(snakemake.output.file_names))
        print(f"{count} distinct URLs")
