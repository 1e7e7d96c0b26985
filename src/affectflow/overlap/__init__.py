"""Whether a model has seen a benchmark: the same pictures, pictures that look the same, the same people."""
