"""Download images from URLs, with a ledger of the outcome of each URL."""
