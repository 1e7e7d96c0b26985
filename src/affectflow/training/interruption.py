"""Being asked to stop: what a cluster does before it kills, a person at the keyboard, and a clock."""

from __future__ import annotations

import math
import os
import signal
import socket
import threading
import time
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GRACE_S = 18.0
"""A cluster's patience is 30 s or more, a person's 20."""
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
    cluster waits after a signal, the process ends all the same: what was saved before is whole. To be entered in the
    main thread.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._signalled = False
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.nothing_to_save = True
        """Whether a signal ends it at once, because what was done since the last checkpoint is nothing."""

    @property
    def asked(self) -> bool:
        return self._signalled or time.monotonic() > self._end

    def reason(self) -> Interrupted:
        """What to raise when the state is saved."""
        return Interrupted() if self._signalled else OutOfTime()

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._woken_before = signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._woken_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._mouth.close()

    def _note(self, number: int, frame: FrameType | None) -> None:
        first, self._signalled = not self._signalled, True
        if first and self.nothing_to_save:
            raise self.reason()

    def _listen(self) -> None:
        """End the process when the grace is over. A thread: Python tells the main one of a signal only after a call
        into TensorFlow is over, and compiling takes longer than anybody waits."""
        end = math.inf
        with self._ear:
            while (left := end - time.monotonic()) > 0:
                self._ear.settimeout(None if math.isinf(left) else left)
                try:
                    heard = self._ear.recv(1)
                except TimeoutError:
                    break
                if not heard:  # it is left
                    return
                if heard[0] in _SIGNALS:
                    end = min(end, time.monotonic() + _GRACE_S)
        os._exit(STATUS)
