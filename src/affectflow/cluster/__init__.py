"""SLURM: limits, partitions, time left, GPU leases, and a check of all of it."""
