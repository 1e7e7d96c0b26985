"""How long the search for near duplicates takes, and how much memory, by the number of images.

Hashes are random, and every hundredth image is a near duplicate of another one.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from affectflow.media.near_duplicates import first_members, group_near_duplicates, join_near_faces

MEGABYTE = 1024  # in kB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    options = parser.parse_args()
    print("images      groups of images   joined by faces   groups    memory")
    for count in options.images:
        rng = np.random.default_rng(0)
        images, faces, mirrors = (_texts(rng, count) for _ in range(3))
        start = time.perf_counter()
        labels = np.array(group_near_duplicates(images, 6), np.int64)
        first = time.perf_counter() - start
        start = time.perf_counter()
        found = first_members(join_near_faces(labels, list(map("".join, zip(faces, mirrors, strict=True))), 20, 10))
        second = time.perf_counter() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
        print(f"{count:<11,} {first:14.1f} s {second:15.1f} s {len(np.unique(found)):8,} {memory:6.0f} MB")


def _texts(rng: np.random.Generator, count: int) -> list[str]:
    hashes = rng.integers(0, 256, (count, 32), np.uint8)
    again = np.arange(99, count, 100)
    hashes[again] = hashes[again - 50]
    hashes[again, 0] ^= 1
    return [row.tobytes().hex() for row in hashes]


if __name__ == "__main__":
    main()
