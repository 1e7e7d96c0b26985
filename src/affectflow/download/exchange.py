"""One HTTP exchange: what has come of it, and whether it takes too long."""

from __future__ import annotations

import asyncio
import errno
import re
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pycurl

from affectflow.core.errors import UserError
from affectflow.download.outcomes import Failed

OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
_BY_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ENETDOWN: "no_route",
    errno.EADDRNOTAVAIL: "no_route",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
}
_TIMING = re.compile(r" after \d+ ms")  # the same failure reads the same
_BY_CODE = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_RESOLVE_PROXY: "no_route",
    pycurl.E_COULDNT_CONNECT: "refused",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_PEER_FAILED_VERIFICATION: "certificate",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_ENGINE_INITFAILED: "tls",
    pycurl.E_USE_SSL_FAILED: "tls",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_URL_MALFORMAT: "bad_url",
}


WANTS_PASSWORD = "The proxy asks for a password; write it into HTTP_PROXY and HTTPS_PROXY."


def named_fault(code: int, message: str, number: int, tunnel: int) -> Failed | UserError:
    """The outcome that libcurl's error stands for.

    ``number`` is the system's error, where there was one; ``tunnel`` what a proxy answered to CONNECT.
    """
    if tunnel == 407:
        return UserError(WANTS_PASSWORD)
    if tunnel >= 400:
        outcome, what = ("no_route", "cannot reach it") if tunnel >= 500 else ("refused", "refuses")
        return Failed(outcome, f"the proxy {what} (HTTP {tunnel})")
    detail = _TIMING.sub("", " ".join(message.split()))[:200]
    if code == pycurl.E_OUT_OF_MEMORY or number in OURS:
        return UserError(f"This machine ran out of sockets or memory ({detail}); lower download.concurrency.")
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return UserError(f"The certificates to trust cannot be read ({detail}); mend or unset SSL_CERT_FILE.")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Failed("timeout", "no answer in time")
    if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_SSL_CONNECT_ERROR) and number in _BY_ERRNO:
        return Failed(_BY_ERRNO[number], detail)
    return Failed(_BY_CODE.get(code, "bad_response"), detail)


class Body:
    """Collects a body; never holds more than ``limit`` bytes, however well they were compressed.

    ``encoding`` is the Content-Encoding. Raises :class:`Failed`.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        self.size = 0
        self._raw = 0
        self._limit = limit
        self._chunks: list[bytes] = []
        self._inflate: Any = None
        if encoding:
            match encoding.strip().lower():
                case "identity":
                    pass
                case "gzip" | "x-gzip" | "deflate":
                    self._inflate = zlib.decompressobj(wbits=47)  # gzip or zlib, told by its first bytes
                case _:
                    raise Failed("bad_response", f"compressed in a way that was not asked for: {encoding[:40]!r}")

    def add(self, chunk: bytes) -> None:
        self._raw += len(chunk)
        if self._raw > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        if self._inflate is not None:
            if self._inflate.eof:
                return
            try:
                chunk = self._inflate.decompress(chunk, self._limit - self.size + 1)
            except zlib.error as error:
                raise Failed("bad_response", f"badly compressed: {error}") from None
        self.size += len(chunk)
        if self.size > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        self._chunks.append(chunk)

    def end(self) -> bytes:
        """The whole body."""
        if self._inflate is not None and self.size and not self._inflate.eof:
            raise Failed("truncated", f"the compressed body ends after {self.size} bytes")
        return b"".join(self._chunks)


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
