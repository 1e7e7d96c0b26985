"""Interruption of a training: a cluster's signal before it kills, Ctrl-C, or a time limit."""

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
"""Clusters kill 30 s or more after the signal; people wait 20 s."""
STATUS = 75
"""EX_TEMPFAIL of sysexits.h: unfinished, to be tried again."""


class Interrupted(SystemExit):
    """Ends the process with :data:`STATUS`."""

    def __init__(self) -> None:
        super().__init__(STATUS)


class OutOfTime(Interrupted):
    """Ends the process because its time limit has passed."""


class Interruption:
    """Notices SIGTERM, SIGINT and the end of ``seconds`` while it is entered (in the main thread).

    Check ``requested`` after each step; when it is true, save and raise :meth:`exception`. If that takes longer than a
    cluster waits after a signal, the process ends anyway, and only earlier checkpoints remain.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._signalled = False
        self._end = math.inf if seconds is None else time.monotonic() + seconds
        self.nothing_to_save = True
        """Whether nothing was done since the last checkpoint, so that a signal ends the process at once."""

    @property
    def requested(self) -> bool:
        """Whether to stop: a signal came, or the time has passed."""
        return self._signalled or time.monotonic() > self._end

    def exception(self) -> Interrupted:
        """Return the exception to raise once the state is saved."""
        return Interrupted() if self._signalled else OutOfTime()

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._receiver, self._sender = socket.socketpair()
        self._sender.setblocking(False)
        self._wakeup_fd = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup_fd)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._sender.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        first, self._signalled = not self._signalled, True
        if first and self.nothing_to_save:
            raise self.exception()

    def _watch(self) -> None:
        """End the process when the grace period after a signal is over.

        This needs a thread: Python runs signal handlers in the main thread only after a call into TensorFlow returns,
        and compilation can take longer than the grace period.
        """
        end = math.inf
        with self._receiver:
            while (left := end - time.monotonic()) > 0:
                self._receiver.settimeout(None if math.isinf(left) else left)
                try:
                    received = self._receiver.recv(1)
                except TimeoutError:
                    break
                if not received:  # the context was left
                    return
                if received[0] in _SIGNALS:
                    end = min(end, time.monotonic() + _GRACE_S)
        os._exit(STATUS)
