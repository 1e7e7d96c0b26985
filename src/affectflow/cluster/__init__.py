"""Work with SLURM: limits, partitions, the time a job has left, GPU leases, and a check of all of it."""
