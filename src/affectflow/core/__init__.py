"""What every room uses: errors, atomic files, cache keys, code digests, logging, parallel work, progress."""
