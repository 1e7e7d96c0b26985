"""For perceptual hashes of one set, the nearest of another's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BANDS = 16
_PAIRS_AT_ONCE = 1 << 20
_TELLING = 16
"""Fewer bits of either kind are those of a picture without contrast, which looks like any other of its kind."""

Hashes = NDArray[np.uint16]
"""256 bits each, [n, 16]."""


def hashes_of(texts: list[str]) -> Hashes:
    """From hex."""
    return np.frombuffer(bytes.fromhex("".join(texts)), ">u2").astype(np.uint16).reshape(-1, _BANDS)


def telling(hashes: Hashes) -> NDArray[np.bool_]:
    """Which hashes are of pictures that have enough contrast to be compared."""
    bits = np.bitwise_count(hashes).sum(axis=1)
    return np.asarray((bits >= _TELLING) & (bits <= 16 * _BANDS - _TELLING))


def nearest(hashes: Hashes, others: Hashes, max_bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each hash the place of the other that differs in fewest bits, and in how many; -1 and 257 where all differ in
    more than ``max_bits``.

    Two hashes that differ in at most ``max_bits`` < 16 bits agree in at least one of 16 bands, so only those that
    share a band are compared, a bounded number of pairs at once. Of equals the first is named.
    """
    if not 0 <= max_bits < _BANDS:
        raise ValueError(f"max_bits must lie between 0 and {_BANDS - 1}")
    place = np.full(len(hashes), -1, np.int64)
    bits = np.full(len(hashes), 16 * _BANDS + 1, np.int64)
    mine = np.flatnonzero(telling(hashes))
    theirs = np.flatnonzero(telling(others))
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
            _update(place, bits, hashes, others, mine[start:stop], first[start:stop], count[start:stop], order)
            start = stop
    far = bits > max_bits
    place[far], bits[far] = -1, 16 * _BANDS + 1
    return place, bits


def _update(
    place: NDArray[np.int64],
    bits: NDArray[np.int64],
    hashes: Hashes,
    others: Hashes,
    mine: NDArray[np.int64],
    first: NDArray[np.int64],
    count: NDArray[np.int64],
    order: NDArray[np.int64],
) -> None:
    """Compare each of ``mine`` with ``count`` others from ``first`` on in ``order``, and keep what is nearer."""
    one = np.repeat(mine, count)
    if not one.size:
        return
    before = np.repeat(np.cumsum(count) - count, count)
    other = order[np.repeat(first, count) + np.arange(one.size) - before]
    differ = np.bitwise_count(hashes[one] ^ others[other]).sum(axis=1).astype(np.int64)
    by_nearness = np.lexsort((other, differ, one))
    one, other, differ = one[by_nearness], other[by_nearness], differ[by_nearness]
    best = np.append(True, np.diff(one) != 0)
    one, other, differ = one[best], other[best], differ[best]
    nearer = (differ < bits[one]) | ((differ == bits[one]) & (other < place[one]))
    place[one[nearer]], bits[one[nearer]] = other[nearer], differ[nearer]
