"""Being asked to stop: what a cluster does before it kills, a person at the keyboard, and a clock."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from types import FrameType
from typing import Self

_GRACE_S = 18.0
STATUS = 75
"""EX_TEMPFAIL of sysexits.h: not done, worth another try."""


class Interrupted(SystemExit):
    """Ends the process with :data:`STATUS`."""

    def __init__(self) -> None:
        super().__init__(STATUS)


class OutOfTime(Interrupted):
    """The same, because the time is over."""


class Interruption:
    """Takes note of SIGTERM and SIGINT while it is entered, and of the end of ``seconds``, if there is one.

    Who works in steps looks at ``asked`` after each, saves and raises :meth:`reason`. Where that takes longer than a
    cluster waits after a signal, the process ends all the same: what was saved before is whole.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._signalled = False
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.nothing_to_save = True
        """Whether it may end at once, because what was done since the last checkpoint is nothing."""

    @property
    def asked(self) -> bool:
        return self._signalled or time.monotonic() > self._end

    def reason(self) -> Interrupted:
        """What to raise when the state is saved."""
        return Interrupted() if self._signalled else OutOfTime()

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.nothing_to_save:
            os._exit(STATUS)
        if not self._signalled:
            self._signalled = True
            timer = threading.Timer(_GRACE_S, os._exit, [STATUS])
            timer.daemon = True
            timer.start()
