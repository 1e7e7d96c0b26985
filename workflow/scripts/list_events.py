"""Rule list_events: a run's predictions on videos -> when action units set in, are strongest, and end."""

from pathlib import Path

from affectflow.core.job import job
from affectflow.evaluation.temporal import write_events

if __name__ == "__main__":
    with job(snakemake.log[0]):
        print(f"{write_events(Path(snakemake.input.predictions), Path(snakemake.output.events))} events")
