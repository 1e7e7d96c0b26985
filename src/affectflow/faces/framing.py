"""How the pictures of a benchmark are cropped, of which every labelled one is scored."""

from __future__ import annotations

from dataclasses import replace

from affectflow.faces.face import Face
from affectflow.sample import Sample

FACE, HELD, CENTRE = "face", "held", "centre"


class Framing:
    """Which face the samples of a benchmark are cropped around, in order: their own; or the last one of the same film,
    where that is at most ``hold_s`` seconds old; else none, which makes it the centre."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._last: tuple[tuple[str, str], float, Face] | None = None

    def place(self, sample: Sample) -> tuple[Sample, str]:
        """The sample with that face, and ``face``, ``held`` or ``centre``: a detector that finds little is not to be
        flattered."""
        film = sample.subject, sample.video
        if sample.face is not None:
            self._last = film, sample.time, sample.face
            return sample, FACE
        if sample.looked_for and self._last is not None:
            where, since, last = self._last
            if where == film and 0 <= sample.time - since <= self._hold_s:
                return replace(sample, face=last), HELD
        return sample, CENTRE
