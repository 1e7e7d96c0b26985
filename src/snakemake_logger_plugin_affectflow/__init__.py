"""``snakemake --logger affectflow``: a line a job. Snakemake finds the module by its name."""

from affectflow.console.handler import LogHandler

__all__ = ["LogHandler"]
