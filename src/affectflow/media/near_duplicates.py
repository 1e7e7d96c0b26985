"""Search for images that look the same, by 256-bit perceptual hashes.

Two hashes that differ in at most 15 bits agree in at least one of their 16 bands of 16 bits. Only hashes that share a
band are compared, a bounded number of pairs at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_BANDS = 16
_BITS = 16 * _BANDS
_PAIRS_AT_ONCE = 1 << 20
_LEAST_CONTRAST = 16
"""Hashes with fewer ones (or zeros) belong to images without contrast, which all look alike to the hash."""

Hashes = NDArray[np.uint16]
"""256 bits each, [n, 16]."""
Numbers = NDArray[np.int64]


def hashes_of(texts: Sequence[str]) -> Hashes:
    """Convert hashes from hex to [n, 16]."""
    return np.frombuffer(bytes.fromhex("".join(texts)), ">u2").astype(np.uint16).reshape(-1, _BANDS)


def has_contrast(hashes: Hashes) -> NDArray[np.bool_]:
    """Return which hashes [n, 16] belong to images with enough contrast to be compared, as bool [n]."""
    bits = np.bitwise_count(hashes).sum(axis=1)
    return np.asarray((bits >= _LEAST_CONTRAST) & (bits <= _BITS - _LEAST_CONTRAST))


def group_near_duplicates(hashes: Sequence[str], max_bits: int) -> list[int]:
    """Group hashes into the connected components of "differ in at most ``max_bits``".

    Args:
        hashes: 256-bit hashes, in hex.
        max_bits: Number of differing bits, from 0 to 15.

    Returns:
        For each hash, the position of the first member of its group.

    Raises:
        ValueError: ``max_bits`` is out of its range.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    values = hashes_of(hashes)
    everyone = np.arange(len(values))
    labels = everyone.copy()
    for one, other, differ in _pairs(values, everyone, values, everyone, max_bits):
        near = (differ <= max_bits) & (labels[one] != labels[other])
        if near.any():
            edges = (labels[one[near]], labels[other[near]])
            graph = coo_array((np.ones(len(edges[0]), np.int8), edges), shape=(len(values), len(values)))
            labels = connected_components(graph, directed=False)[1].astype(np.int64)[labels]
    first = np.full(len(values), len(values))
    np.minimum.at(first, labels, everyone)
    found: list[int] = first[labels].tolist()
    return found


def nearest(hashes: Hashes, others: Hashes, max_bits: int) -> tuple[Numbers, Numbers]:
    """Find the nearest other hash of each hash.

    Args:
        hashes: 256 bits each, uint16 [n, 16].
        others: The hashes to choose from, uint16 [m, 16].
        max_bits: Largest number of differing bits, from 0 to 15.

    Returns:
        The other's position and the number of differing bits, both int64 [n]; -1 and 257 where every other differs in
        more than ``max_bits`` or the image has no contrast. The first of several equally near ones is returned.

    Raises:
        ValueError: ``max_bits`` is out of its range.
    """
    place = np.full(len(hashes), -1, np.int64)
    bits = np.full(len(hashes), _BITS + 1, np.int64)
    compared = np.flatnonzero(has_contrast(hashes)), np.flatnonzero(has_contrast(others))
    for one, other, differ in _pairs(hashes, compared[0], others, compared[1], max_bits):
        by_nearness = np.lexsort((other, differ, one))
        one, other, differ = one[by_nearness], other[by_nearness], differ[by_nearness]
        best = np.append(True, np.diff(one) != 0)
        one, other, differ = one[best], other[best], differ[best]
        nearer = (differ < bits[one]) | ((differ == bits[one]) & (other < place[one]))
        place[one[nearer]], bits[one[nearer]] = other[nearer], differ[nearer]
    far = bits > max_bits
    place[far], bits[far] = -1, _BITS + 1
    return place, bits


def _pairs(
    hashes: Hashes, mine: Numbers, others: Hashes, theirs: Numbers, max_bits: int
) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Yield pairs of positions that share a band, and in how many bits they differ; a pair may come several times."""
    if not 0 <= max_bits < _BANDS:
        raise ValueError(f"max_bits must lie between 0 and {_BANDS - 1}")
    for band in range(_BANDS):
        order = theirs[np.argsort(others[theirs, band], kind="stable")]
        keys = others[order, band]
        first = np.searchsorted(keys, hashes[mine, band], "left")
        count = np.searchsorted(keys, hashes[mine, band], "right") - first
        ends = np.cumsum(count)
        start = 0
        while start < len(mine):
            done = ends[start - 1] if start else 0
            stop = max(int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, "right")), start + 1)
            counts = count[start:stop]
            one = np.repeat(mine[start:stop], counts)
            if one.size:
                before = np.repeat(np.cumsum(counts) - counts, counts)
                other = order[np.repeat(first[start:stop], counts) + np.arange(one.size) - before]
                yield one, other, np.bitwise_count(hashes[one] ^ others[other]).sum(axis=1).astype(np.int64)
            start = stop
