"""Action units as events: when they set in, when they are strongest, when they end.

Events that were predicted count as found where they share at least half of their joint extent with one that was
recorded, as in the spotting of micro-expressions (MEGC; Li et al., "MEGC2020", FG 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAST_OVERLAP = 0.5  # intersection over union

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """The first and the last row of each in a table of frames, [events], in order and apart from each other."""

    onset: Rows
    offset: Rows

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def frames(self) -> Rows:
        return self.offset - self.onset + 1

    def apex(self, strength: NDArray[np.floating]) -> Rows:
        """The first row of the greatest strength of each; ``strength`` is of all rows, [n]."""
        return np.array(
            [
                first + int(np.argmax(strength[first : last + 1]))
                for first, last in zip(self.onset, self.offset, strict=True)
            ],
            np.int64,
        )


def runs(video: Rows, frame: Rows) -> Rows:
    """The number of the run of consecutive frames of one video, of each row, [n]."""
    breaks = (np.diff(video) != 0) | (np.diff(frame) != 1)
    return np.concatenate([[0], np.cumsum(breaks)])[: len(video)]


def find_events(present: NDArray[np.bool_], run: Rows) -> Events:
    """Whatever is ``present`` without a break within a run; both are [n]."""
    goes_on = present[1:] & present[:-1] & (np.diff(run) == 0)
    begins = present.copy()
    begins[1:] &= ~goes_on
    ends = present.copy()
    ends[:-1] &= ~goes_on
    return Events(np.flatnonzero(begins), np.flatnonzero(ends))


def match(recorded: Events, predicted: Events) -> Rows:
    """Which recorded event each predicted one found, by its place, -1 for none, [predicted].

    Both are from :func:`find_events` on the same runs. Each is found by one at most: two events have a frame between
    them, and cannot both cover half of a third. What covers half of an event covers one of the two frames in its
    middle.
    """
    found = np.full(len(predicted), -1, np.int64)
    if not len(recorded):
        return found
    for middle in ((predicted.onset + predicted.offset) // 2, (predicted.onset + predicted.offset + 1) // 2):
        other = np.maximum(np.searchsorted(recorded.onset, middle, "right") - 1, 0)
        first = np.maximum(predicted.onset, recorded.onset[other])
        last = np.minimum(predicted.offset, recorded.offset[other])
        shared = np.maximum(last - first + 1, 0)
        joint = predicted.frames + recorded.frames[other] - shared
        near = shared >= LEAST_OVERLAP * joint
        found[near] = other[near]
    return found
