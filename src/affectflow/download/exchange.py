"""One HTTP exchange: what has come of it, and whether it takes too long."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress

from affectflow.download.body import Body
from affectflow.download.outcomes import Failed
from affectflow.errors import UserError

_GRACE = 6  # a body may take this many times the timeout before its rate counts
_LOWEST_RATE = 4096  # bytes per second, on average
CONTENT_LENGTH, CONTENT_ENCODING = b"content-length", b"content-encoding"
LOCATION, RETRY_AFTER, ROBOTS_TAG = b"location", b"retry-after", b"x-robots-tag"
_NAMES = b"|".join((CONTENT_LENGTH, CONTENT_ENCODING, LOCATION, RETRY_AFTER, ROBOTS_TAG))
_KEPT = re.compile(rb"^(%b)[ \t]*:[ \t]*([^\r\n]*)" % _NAMES, re.IGNORECASE | re.MULTILINE)
_READ_OF_OTHERS = 64 * 1024  # bytes of an error's page that are read so that the connection can be used again


class Exchange:
    """A request and what has come of it. Header names are in lower case; only those that are asked for are kept."""

    __slots__ = (
        "_answered",
        "_complete",
        "_head",
        "_limit",
        "_skipped",
        "body",
        "done",
        "fault",
        "has_pass",
        "headers",
        "heard",
        "held",
        "host",
        "paused_at",
        "started",
        "status",
    )

    def __init__(self, host: str, limit: int, head: list[bytes], answered: Callable[[Exchange], None]) -> None:
        """``head`` is where libcurl puts the lines of the answer's head; ``answered`` is called when it is there."""
        self.host = host
        self.status = 0
        self.headers: dict[bytes, list[str]] = {}
        self.body: Body | None = None
        self.started = self.heard = time.monotonic()
        self._limit = limit
        self._answered = answered
        self._complete = False
        self._head = head
        self._skipped = 0
        self.fault: Failed | UserError | None = None
        self.held = 0
        self.has_pass = False
        self.paused_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def header(self, name: bytes) -> str:
        """The last value of a header, or ""."""
        return self.headers.get(name, ("",))[-1]

    def _read_head(self) -> None:
        """The last one: others, of 1xx answers, may have come before it."""
        self._complete = True
        self.heard = time.monotonic()
        lines = b"".join(self._head)
        start = lines.rfind(b"\nHTTP/") + 1
        with suppress(ValueError, IndexError):
            self.status = int(lines[start : start + 20].split(None, 2)[1])
        for name, value in _KEPT.findall(lines, start):
            self.headers.setdefault(name.lower(), []).append(_decoded(value))
        self._answered(self)
        if self.status == 200:
            self._begin()

    def _begin(self) -> None:
        announced = self.header(CONTENT_LENGTH)
        if announced.isdigit() and int(announced) > self._limit:
            raise Failed("too_large", f"{announced} bytes announced")
        self.body = Body(self.header(CONTENT_ENCODING), self._limit)

    def on_data(self, chunk: bytes) -> bool:
        """A piece of the body; False when no more of it is wanted. Raises :class:`Failed`."""
        if not self._complete:
            self._read_head()
        self.heard = time.monotonic()
        if self.body is not None:
            self.body.add(chunk)
            return True
        self._skipped += len(chunk)
        return not self._enough

    @property
    def _enough(self) -> bool:
        return self._skipped > _READ_OF_OTHERS

    def end(self, fault: Failed | UserError | None) -> Failed | UserError | None:
        """What was at fault when all is over, if anything was."""
        if not self._complete and self._whole_head:
            try:
                self._read_head()
            except Failed as failed:
                self.fault = failed
        fault = None if self._enough else self.fault or fault
        if isinstance(fault, Failed) and self.status >= 200:
            fault.http_status = self.status
        return fault

    @property
    def _whole_head(self) -> bool:
        """An empty line ends it, unless it is that of a 1xx answer."""
        if not self._head or self._head[-1] not in (b"\r\n", b"\n"):
            return False
        last = next(line for line in reversed(self._head) if line.startswith(b"HTTP/"))
        return last.split(None, 2)[1:2] >= [b"200"]

    def late(self, now: float, timeout_s: float) -> Failed | None:
        """The failure, if nothing or too little has come for too long."""
        if self.paused_at:
            return None
        if not self._complete and self._whole_head:
            try:
                self._read_head()
            except Failed as failed:
                return failed
        if now - self.heard > timeout_s:
            if not self._complete:
                return Failed("timeout", "no answer in time")
            return Failed("stalled", f"{self.body.size if self.body else 0} bytes came, then none")
        if (self.body is not None and self.body.size > 0) or self._complete:
            elapsed, size = now - self.started, self.body.size if self.body else self._skipped
            if elapsed > _GRACE * timeout_s and size < elapsed * _LOWEST_RATE:
                return Failed("stalled", f"only {size} bytes in {elapsed:.0f} s")
        return None


def _decoded(value: bytes) -> str:
    value = value.rstrip()
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
