"""URLs -> images and a ledger with the outcome of each URL."""
