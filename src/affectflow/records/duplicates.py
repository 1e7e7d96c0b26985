"""Groups of pictures that look the same, by perceptual hash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

_BITS = 256
_BANDS = 16


def group_near_duplicates(hashes: Sequence[str], max_bits: int) -> list[int]:
    """For each 256-bit hash (hex) the position of its group's first member.

    Two hashes that differ in at most ``max_bits`` < 16 bits agree in at least one of 16 bands, so only hashes that
    share a band are compared; groups are the connected components.
    """
    if not 0 <= max_bits < _BANDS:
        raise ValueError(f"max_bits must lie between 0 and {_BANDS - 1}")
    values = [int(text, 16) for text in hashes]
    parent = list(range(len(values)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    width = _BITS // _BANDS
    for band in range(_BANDS):
        buckets: dict[int, list[int]] = defaultdict(list)
        for i, value in enumerate(values):
            buckets[(value >> (band * width)) & ((1 << width) - 1)].append(i)
        for members in buckets.values():
            for position, i in enumerate(members):
                for j in members[position + 1 :]:
                    if (values[i] ^ values[j]).bit_count() <= max_bits:
                        one, other = sorted((root(i), root(j)))
                        parent[other] = one
    return [root(i) for i in range(len(values))]
