"""URLs -> images in a store, and one ledger row for every URL."""
