"""How the pictures of a benchmark are cropped, of which every labelled one is scored."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from affectflow.faces.crop import crop
from affectflow.faces.face import Face
from affectflow.sample import Sample

FACE, HELD, CENTRE = "face", "held", "centre"


class Framing:
    """Crops the samples of a benchmark, in order: around the face; around the last one of the same film, where that
    is at most ``hold_s`` seconds old; else the centre. ``counts`` says how often which, so that a detector that finds
    little is not flattered."""

    def __init__(self, size: int, hold_s: float) -> None:
        self._size = size
        self._hold_s = hold_s
        self._last: tuple[tuple[str, str], float, Face] | None = None
        self.counts: Counter[str] = Counter({FACE: 0, HELD: 0, CENTRE: 0})

    def crop(self, sample: Sample) -> tuple[NDArray[np.uint8], str]:
        """Pixels, uint8 [size, size, 3], and ``face``, ``held`` or ``centre``."""
        film, face, how = (sample.subject, sample.video), sample.face, CENTRE
        if face is not None:
            how, self._last = FACE, (film, sample.time, face)
        elif sample.looked_for and self._last is not None:
            where, since, last = self._last
            if where == film and 0 <= sample.time - since <= self._hold_s:
                how, face = HELD, last
        self.counts[how] += 1
        return crop(sample.image.rgb(), face, self._size), how
