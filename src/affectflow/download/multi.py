"""libcurl's multi interface on asyncio: its sockets, its timer, and what it has finished.

All of its sockets lie behind one selector, which the event loop watches as a single file: what became ready at once is
dealt with at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

import pycurl

KEPT_CONNECTIONS = 256

Finished = Callable[[Any, int, str], None]
"""What is called with a finished transfer, libcurl's code (0: it succeeded) and message."""

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_WANTED = {pycurl.POLL_IN: _READ, pycurl.POLL_OUT: _WRITE, pycurl.POLL_INOUT: _READ | _WRITE}
_HAPPENED = {
    _READ: pycurl.CSELECT_IN,
    _WRITE: pycurl.CSELECT_OUT,
    _READ | _WRITE: pycurl.CSELECT_IN | pycurl.CSELECT_OUT,
}


class Multi:
    """Runs libcurl's transfers; to be made within a running event loop."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._selector = selectors.DefaultSelector()
        self._loop.add_reader(self._selector.fileno(), self._on_sockets)
        self._soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, KEPT_CONNECTIONS)

    def add(self, easy: Any) -> None:
        """Start a transfer."""
        self._multi.add_handle(easy)

    def remove(self, easy: Any) -> None:
        """Take a transfer away, finished or not."""
        self._multi.remove_handle(easy)

    def close(self) -> None:
        """When all transfers have been taken away."""
        self._multi.close()
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._selector.fileno())
        self._selector.close()

    def look_soon(self) -> None:
        """Have libcurl look after its transfers; never at once, since it must not be entered from what it calls."""
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self._on_time)

    def _watch(self, what: int, fd: int, *_: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._selector.unregister(fd)
            return
        try:
            self._selector.register(fd, _WANTED[what])
        except KeyError:
            self._selector.modify(fd, _WANTED[what])

    def _set_timer(self, milliseconds: int) -> None:
        """An earlier timer stays as it is: to be asked too early does libcurl no harm."""
        if milliseconds == 0:
            self.look_soon()
        elif milliseconds > 0:
            at = self._loop.time() + milliseconds / 1000
            if self._timer is None or at < self._timer.when():
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._on_time()

    def _on_time(self) -> None:
        self._soon = False
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _on_sockets(self) -> None:
        act = self._multi.socket_action
        for key, events in self._selector.select(0):
            act(key.fd, _HAPPENED[events])
        self._collect()

    def _collect(self) -> None:
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for easy in succeeded:
                self._finished(easy, 0, "")
            for easy, code, message in failed:
                self._finished(easy, code, message)
