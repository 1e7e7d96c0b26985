"""Search for images that look the same, by 256-bit perceptual hashes.

Two hashes that differ in at most n bits agree in at least one of n + 1 bands of their bits; and of n / 2 + 1 bands, in
at least one but for a single bit, which is tried in turn where n + 1 bands would be narrow. Only hashes that share a
band so far are compared, a bounded number of pairs at a time. An image and its mirror image are told by the hash of one
and the mirrored hash of the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_ROWS = 16
_BITS = 16 * _ROWS
_WORD = 64
_MOST_EXACT = 15
"""Up to so many differing bits, bands are equal as a whole."""
MAX_BITS = 31
"""The most differing bits of which all pairs are found."""
_PAIRS_AT_ONCE = 1 << 20
_FEWER = 4
"""Bits by which the limit of chained faces is lowered."""
_SURE = 8
"""Hashes of faces that differ in at most so many bits are of one image."""
_LEAST_CONTRAST = 16
"""Hashes with fewer ones (or zeros) belong to images without contrast, which all look alike to the hash."""

Hashes = NDArray[np.uint16]
"""256 bits each, 16 for each row of the thumbnail, [n, 16]."""
Numbers = NDArray[np.int64]


def hashes_of(texts: Sequence[str]) -> Hashes:
    """Convert hashes from hex to [n, 16]; an empty text becomes one without contrast."""
    blank = "0" * (_BITS // 4)
    return (
        np.frombuffer(bytes.fromhex("".join(text or blank for text in texts)), ">u2")
        .astype(np.uint16)
        .reshape(-1, _ROWS)
    )


def face_hashes_of(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Convert hashes of faces (:mod:`affectflow.faces.face_hash`) to those of the faces and of their mirror images."""
    digits = _BITS // 4
    return hashes_of([text[:digits] for text in texts]), hashes_of([text[digits:] for text in texts])


def mirrored(hashes: Hashes) -> Hashes:
    """Return about the hashes of the mirrored images, [n, 16].

    Each row's comparisons of a cell with its left neighbour change order and sign; those of equal cells do not.
    """
    bits = np.unpackbits(hashes.astype(">u2").view(np.uint8).reshape(len(hashes), _ROWS, 2), axis=2)
    return np.packbits(1 - bits[:, :, ::-1], axis=2).view(">u2").reshape(len(hashes), _ROWS).astype(np.uint16)


def has_contrast(hashes: Hashes) -> NDArray[np.bool_]:
    """Return which hashes [n, 16] belong to images with enough contrast to be compared, as bool [n]."""
    bits = np.bitwise_count(hashes).sum(axis=1)
    return np.asarray((bits >= _LEAST_CONTRAST) & (bits <= _BITS - _LEAST_CONTRAST))


def group_near_duplicates(hashes: Sequence[str], max_bits: int) -> list[int]:
    """Group images into the connected components of "differ in at most ``max_bits``", also from a mirror image.

    Args:
        hashes: 256-bit hashes, in hex.
        max_bits: Number of differing bits, from 0 to 31.

    Returns:
        For each hash, the position of the first member of its group.

    Raises:
        ValueError: ``max_bits`` is out of its range.
    """
    values = hashes_of(hashes)
    everyone = np.arange(len(values))
    labels = everyone.copy()
    comparable = np.flatnonzero(has_contrast(values))
    for others, theirs in ((values, everyone), (mirrored(values), comparable)):
        mine = everyone if others is values else comparable
        for one, other, differ in _pairs(values, mine, others, theirs, max_bits):
            near = (differ <= max_bits) & (labels[one] != labels[other])
            labels = joined(labels, labels[one[near]], labels[other[near]])
    found: list[int] = first_members(labels).tolist()
    return found


def joined(labels: Numbers, one: Numbers, other: Numbers) -> Numbers:
    """Return labels of groups after some of them were joined.

    Args:
        labels: Label of each item, from 0 to n - 1, [n].
        one: Labels of groups, [pairs].
        other: Labels of the groups that they are joined with, [pairs].
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(one):
        return labels
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(labels), len(labels)))
    components: Numbers = connected_components(graph, directed=False)[1].astype(np.int64)
    return components[labels]


def first_members(labels: Numbers) -> Numbers:
    """Return for each item the position of the first one of its group, [n]."""
    everyone = np.arange(len(labels))
    first = np.full(int(labels.max(initial=0)) + 1, len(labels))
    np.minimum.at(first, labels, everyone)
    found: Numbers = first[labels]
    return found


def nearest(hashes: Hashes, others: Sequence[Hashes], max_bits: int) -> tuple[Numbers, Numbers]:
    """Find the image whose hash is nearest to each hash.

    Args:
        hashes: 256 bits each, uint16 [n, 16].
        others: Hashes of the images to choose from, such as those of their mirror images, uint16 [m, 16] each.
        max_bits: Largest number of differing bits, from 0 to 31.

    Returns:
        The other's position and the number of differing bits, both int64 [n]; -1 and 257 where every other differs in
        more than ``max_bits`` or the image has no contrast. The first of several equally near ones is returned.

    Raises:
        ValueError: ``max_bits`` is out of its range.
    """
    place = np.full(len(hashes), -1, np.int64)
    bits = np.full(len(hashes), _BITS + 1, np.int64)
    mine = np.flatnonzero(has_contrast(hashes))
    for candidates in others:
        theirs = np.flatnonzero(has_contrast(candidates))
        for one, other, differ in _pairs(hashes, mine, candidates, theirs, max_bits):
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
    """Yield pairs of positions that may be near, and in how many bits they differ; a pair may come several times."""
    if not 0 <= max_bits <= MAX_BITS:
        raise ValueError(f"max_bits must lie between 0 and {MAX_BITS}")
    flipped = max_bits > _MOST_EXACT
    bands = max_bits // 2 + 1 if flipped else max_bits + 1
    width = min(_WORD, _BITS // bands)
    flips = [np.uint64(0)] + ([np.uint64(1 << bit) for bit in range(width)] if flipped else [])
    for band in range(bands):
        keys, wanted = (_keys(values, band * width, width) for values in (others[theirs], hashes[mine]))
        order, asking = np.argsort(keys, kind="stable"), np.argsort(wanted, kind="stable")
        keys, wanted, candidates, askers = keys[order], wanted[asking], theirs[order], mine[asking]
        for flip in flips:
            first = np.searchsorted(keys, wanted ^ flip, "left")
            count = np.searchsorted(keys, wanted ^ flip, "right") - first
            found = np.flatnonzero(count)
            first, count, one_of = first[found], count[found], askers[found]
            ends = np.cumsum(count)
            start = 0
            while start < len(found):
                done = ends[start - 1] if start else 0
                stop = max(int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, "right")), start + 1)
                counts = count[start:stop]
                one = np.repeat(one_of[start:stop], counts)
                before = np.repeat(np.cumsum(counts) - counts, counts)
                other = candidates[np.repeat(first[start:stop], counts) + np.arange(one.size) - before]
                yield one, other, np.bitwise_count(hashes[one] ^ others[other]).sum(axis=1).astype(np.int64)
                start = stop


def _keys(hashes: Hashes, start: int, width: int) -> NDArray[np.uint64]:
    """Return ``width`` bits of each hash from the bit ``start`` on, [n]."""
    words = np.ascontiguousarray(hashes.astype(">u2")).view(">u8").astype(np.uint64)
    word, offset = divmod(start, _WORD)
    keys = words[:, word] << np.uint64(offset)
    if offset + width > _WORD:
        keys |= words[:, word + 1] >> np.uint64(_WORD - offset)
    return np.asarray(keys >> np.uint64(_WORD - width), np.uint64)


def join_near_faces(labels: Numbers, faces: Sequence[str], max_bits: int, most: int) -> Numbers:
    """Join groups of images whose faces look the same.

    Among many people some pairs look the same by chance, and chance pairs chain. So where ``most`` groups or more
    would become one, fewer bits may differ among them, until they do not; 8 bits are no chance, however many they are.

    Args:
        labels: Label of each image's group, from 0 to n - 1, [n].
        faces: Hashes of each image's face and of its mirror image, 128 digits in hex; empty without a face, [n].
        max_bits: Number of differing bits, from 0 to 31.
        most: As many groups are not joined by more than 8 bits.

    Returns:
        The labels of the joined groups, [n].
    """
    one, other, differ = _label_pairs(labels, face_hashes_of(faces), max_bits)
    limit = np.full(len(one), max_bits)
    while True:
        near = differ <= limit
        found = joined(labels, one[near], other[near])
        group_of = np.zeros(len(labels), np.int64)
        group_of[labels] = found
        sizes = np.bincount(group_of[np.unique(labels)], minlength=len(labels) + 1)
        chained = (sizes[group_of[one]] >= most) & (limit > _SURE)
        if not (chained & near).any():
            return found
        limit[chained] = np.maximum(limit[chained] - _FEWER, _SURE)


def _label_pairs(labels: Numbers, faces: tuple[Hashes, Hashes], max_bits: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return the pairs of groups that have near faces, each once, and in how many bits the nearest differ, [pairs]."""
    upright, mirror = faces
    comparable = np.flatnonzero(has_contrast(upright))
    found, best = np.empty(0, np.int64), np.empty(0, np.int64)
    for others in (upright, mirror):
        theirs = np.flatnonzero(has_contrast(others))
        for one, other, differ in _pairs(upright, comparable, others, theirs, max_bits):
            mine, yours = labels[one], labels[other]
            useful = (differ <= max_bits) & (mine != yours)
            if not useful.any():
                continue
            low, high = np.minimum(mine, yours)[useful], np.maximum(mine, yours)[useful]
            keys = np.concatenate([found, low * len(labels) + high])
            bits = np.concatenate([best, differ[useful]])
            order = np.lexsort((bits, keys))
            first = np.append(True, np.diff(keys[order]) != 0)
            found, best = keys[order][first], bits[order][first]
    return found // max(len(labels), 1), found % max(len(labels), 1), best
