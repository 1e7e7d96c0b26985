"""One HTTP exchange: what has come of it, and whether it takes too long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from affectflow.download.body import Body
from affectflow.download.outcomes import Failed
from affectflow.errors import UserError

_GRACE = 6  # a body may take this many times the timeout before its rate counts
_LOWEST_RATE = 4096  # bytes per second, on average
_READ_OF_OTHERS = 64 * 1024  # bytes of an error's page that are read so that the connection can be used again


class Exchange:
    """A request and what has come of it. Header names are in lower case."""

    def __init__(self, url: str, host: str, limit: int, answered: Callable[[Exchange], None]) -> None:
        self.url = url
        self.host = host
        self.status = 0
        self.headers: dict[str, list[str]] = {}
        self.body: Body | None = None
        self.started = self.heard = time.monotonic()
        self._limit = limit
        self._answered = answered
        self._complete = False
        self._head: list[bytes] = []
        self.skipped = 0
        self.enough = False
        self.fault: Failed | UserError | None = None
        self.held = 0
        self.has_pass = False
        self.paused_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def header(self, name: str) -> str:
        """The last value of a header, or ""."""
        return self.headers.get(name, ("",))[-1]

    # What libcurl calls. An exception would be lost in it, so it is kept.

    def on_header(self, line: bytes) -> int | None:
        """A line of the answer's head; after the body, of its trailer."""
        if line not in (b"\r\n", b"\n"):
            self._head.append(line)
            return None
        if self._complete:
            return None
        try:
            self._read_head()
        except Failed as failed:
            self.fault = failed
            return -1
        return None

    def _read_head(self) -> None:
        status, *lines = self._head
        self._head = []
        with suppress(ValueError, IndexError):
            self.status = int(status.split(None, 2)[1])
        if self.status < 200:
            return
        self.heard = time.monotonic()
        for line in lines:
            name, _, value = line.partition(b":")
            self.headers.setdefault(name.decode("latin-1").lower(), []).append(_decoded(value.strip()))
        self._complete = True
        self._answered(self)
        if self.status == 200:
            self._begin()

    def _begin(self) -> None:
        announced = self.header("content-length")
        if announced.isdigit() and int(announced) > self._limit:
            raise Failed("too_large", f"{announced} bytes announced")
        self.body = Body(self.header("content-encoding"), self._limit)

    def on_data(self, chunk: bytes) -> bool:
        """A piece of the body; False when no more of it is wanted."""
        self.heard = time.monotonic()
        if self.body is not None:
            self.body.add(chunk)
            return True
        self.skipped += len(chunk)
        self.enough = self.skipped > _READ_OF_OTHERS
        return not self.enough

    def late(self, now: float, timeout_s: float) -> Failed | None:
        """The failure, if nothing or too little has come for too long."""
        if self.paused_at:
            return None
        if now - self.heard > timeout_s:
            if not self._complete:
                return Failed("timeout", "no answer in time")
            return Failed("stalled", f"{self.body.size if self.body else 0} bytes came, then none")
        if (self.body is not None and self.body.size > 0) or self._complete:
            elapsed, size = now - self.started, self.body.size if self.body else self.skipped
            if elapsed > _GRACE * timeout_s and size < elapsed * _LOWEST_RATE:
                return Failed("stalled", f"only {size} bytes in {elapsed:.0f} s")
        return None


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
