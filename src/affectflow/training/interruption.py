"""Being asked to stop: what a cluster does before it kills, and a person at the keyboard."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Self

_GRACE_S = 18.0
STATUS = 75
"""EX_TEMPFAIL of sysexits.h: not done, worth another try."""


class Interrupted(SystemExit):
    """Ends the process with :data:`STATUS`."""

    def __init__(self) -> None:
        super().__init__(STATUS)


class Interruption:
    """Takes note of SIGTERM and SIGINT while it is entered.

    Who works in steps looks at ``asked`` after each, saves and raises :class:`Interrupted`. Where that takes longer
    than a cluster waits, the process ends all the same: what was saved before is whole.
    """

    def __init__(self) -> None:
        self.asked = False
        self.nothing_to_save = True
        """Whether it may end at once, because what was done since the last checkpoint is nothing."""

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.nothing_to_save:
            os._exit(STATUS)
        if not self.asked:
            self.asked = True
            timer = threading.Timer(_GRACE_S, os._exit, [STATUS])
            timer.daemon = True
            timer.start()
