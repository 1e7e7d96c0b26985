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
_DIGITS = 20  # of a length; Python refuses to read thousands
_OF_BODIES = ("truncated", "stalled", "reset")
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

    def _read_head(self) -> bool:
        """Read the head if it is whole: its lines up to an empty one. Those of 1xx answers may have come before it, and
        after it the trailer of a chunked body. Raises :class:`Failed`.
        """
        head = _last_head(self._head)
        if head is None:
            return False
        status = head[0].split(None, 2)[1:2]
        if status < [b"200"]:
            return False
        self._complete = True
        self.heard = time.monotonic()
        with suppress(ValueError):
            self.status = int(status[0][:9])
        for name, value in _KEPT.findall(b"".join(head)):
            self.headers.setdefault(name.lower(), []).append(_decoded(value))
        self._answered(self)
        if self.status == 200:
            self._begin()
        return True

    def _begin(self) -> None:
        announced = self.header(CONTENT_LENGTH)
        if announced.isdecimal() and int(announced[:_DIGITS]) > self._limit:
            raise Failed("too_large", f"{announced[:_DIGITS]} bytes announced")
        self.body = Body(self.header(CONTENT_ENCODING), self._limit)

    def on_data(self, chunk: bytes) -> bool:
        """A piece of the body; False when no more of it is wanted. Raises :class:`Failed`."""
        if not self._complete and not self._read_head():
            raise Failed("bad_response", "a body without a head")
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
        try:
            whole = self._complete or self._read_head()
        except Failed as failed:
            self.fault, whole = failed, True
        fault = self.fault or fault
        if fault is None and not whole:
            fault = Failed("reset", "the head of the answer is not whole")
        if not isinstance(fault, Failed):
            return fault
        if self._enough or (whole and self.status != 200 and fault.outcome in _OF_BODIES):
            return None  # what an error or a redirect has for a body does not matter
        if self.status >= 200:
            fault.http_status = self.status
        return fault

    def late(self, now: float, timeout_s: float) -> Failed | None:
        """The failure, if nothing or too little has come for too long."""
        if self.paused_at:
            return None
        try:
            if not self._complete:
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


def _last_head(lines: list[bytes]) -> list[bytes] | None:
    """From the last status line to the empty line after it, None where one of them has not come."""
    for start in range(len(lines) - 1, -1, -1):
        if lines[start][:5].upper() == b"HTTP/":
            break
    else:
        return None
    for empty in (b"\r\n", b"\n"):
        with suppress(ValueError):
            return lines[start : lines.index(empty, start)]
    return None


def _decoded(value: bytes) -> str:
    value = value.rstrip()
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
