"""Action units as events with an onset, an apex and an offset.

A predicted event counts as found where its intersection over union with a labelled event is at least 0.5, as in the
spotting of micro-expressions (MEGC; Li et al., "MEGC2020", FG 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_IOU = 0.5

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """First and last row of each event in a table of frames, [events], in order and without overlap."""

    onset: Rows
    offset: Rows

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def frames(self) -> Rows:
        """Number of frames of each event."""
        return self.offset - self.onset + 1

    def apex(self, strength: NDArray[np.floating]) -> Rows:
        """Return the first row of the greatest ``strength`` within each event; ``strength`` is [rows]."""
        return np.array(
            [
                first + int(np.argmax(strength[first : last + 1]))
                for first, last in zip(self.onset, self.offset, strict=True)
            ],
            np.int64,
        )


def runs(video: Rows, frame: Rows) -> Rows:
    """Number the runs of consecutive frames of one video.

    Args:
        video: code of each row's video, [n].
        frame: each row's frame number, [n].

    Returns:
        The run of each row, from 0, [n].
    """
    breaks = (np.diff(video) != 0) | (np.diff(frame) != 1)
    return np.concatenate([[0], np.cumsum(breaks)])[: len(video)]


def find_events(present: NDArray[np.bool_], run: Rows) -> Events:
    """Find the maximal sequences of rows with ``present`` set within one run.

    Args:
        present: whether each row shows the AU, bool [n].
        run: run of each row, from :func:`runs`, [n].
    """
    continues = present[1:] & present[:-1] & (np.diff(run) == 0)
    begins = present.copy()
    begins[1:] &= ~continues
    ends = present.copy()
    ends[:-1] &= ~continues
    return Events(np.flatnonzero(begins), np.flatnonzero(ends))


def match(labelled: Events, predicted: Events) -> Rows:
    """Return the index of the labelled event that each predicted event finds, -1 for none, [predicted].

    Each labelled event is found at most once: two predicted events are at least one frame apart and cannot both cover
    half of it. An event that covers half of another covers one of its two middle frames.

    Args:
        labelled: events in the labels, from :func:`find_events`.
        predicted: events in the predictions, from :func:`find_events` on the same runs.
    """
    found = np.full(len(predicted), -1, np.int64)
    if not len(labelled):
        return found
    for middle in ((predicted.onset + predicted.offset) // 2, (predicted.onset + predicted.offset + 1) // 2):
        other = np.maximum(np.searchsorted(labelled.onset, middle, "right") - 1, 0)
        first = np.maximum(predicted.onset, labelled.onset[other])
        last = np.minimum(predicted.offset, labelled.offset[other])
        intersection = np.maximum(last - first + 1, 0)
        union = predicted.frames + labelled.frames[other] - intersection
        near = intersection >= MIN_IOU * union
        found[near] = other[near]
    return found
