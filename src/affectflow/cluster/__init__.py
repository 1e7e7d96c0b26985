"""A SLURM cluster as a profile describes it and as it is, and what would go wrong between the two."""
