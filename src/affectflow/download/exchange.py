"""Collect one HTTP response, classify its errors, and detect when it takes too long."""

from __future__ import annotations

import asyncio
import errno
import re
import time
import zlib
from collections.abc import Callable
from typing import Any

import pycurl

from affectflow.core.errors import UserError
from affectflow.download.outcomes import Failed

LOCAL_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
"""Errors of this machine rather than of the host or the network."""
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
_TIMING = re.compile(r" after \d+ ms")  # removed, so that equal failures have equal messages
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

PROXY_PASSWORD_MISSING = "The proxy requires a password; write it into HTTP_PROXY and HTTPS_PROXY."
CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE = b"content-length", b"content-encoding", b"content-range"
LOCATION, RETRY_AFTER, ROBOTS_TAG, SET_COOKIE = b"location", b"retry-after", b"x-robots-tag", b"set-cookie"
_NAMES = b"|".join((CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, LOCATION, RETRY_AFTER, ROBOTS_TAG, SET_COOKIE))
_COMPRESSED = {"gzip", "x-gzip", "deflate"}
_NOT_REQUESTED = {"br", "zstd", "compress", "x-compress", "dcb", "dcz"}
_GZIP_MAGIC = b"\x1f\x8b"
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?!\d)", re.IGNORECASE)
_WHOLE = re.compile(r"bytes 0-(\d{1,19})/(\d{1,19})")
_WITH_IMAGE = (200, 201, 202, 203, 226)  # browsers show the image of any of these
_HEADER = re.compile(rb"^(%b)[ \t]*:[ \t]*([^\r\n]*)" % _NAMES, re.IGNORECASE | re.MULTILINE)
_MAX_LAYERS = 3
_MAX_DIGITS = 20  # of a length; Python refuses to parse thousands
_GRACE = 6  # a body may take this many times the timeout before its rate counts
_LOWEST_RATE = 4096  # bytes per second, on average
_BODY_FAILURES = ("truncated", "stalled", "reset")
_READ_OF_ERRORS = 64 * 1024  # bytes of an error's page that are read so that the connection can be used again


def fault_of(code: int, message: str, os_error: int, connect_status: int) -> Failed | UserError:
    """Classify an error of libcurl.

    Args:
        code: libcurl's error code.
        message: Its message.
        os_error: The system's error number, 0 if there was none.
        connect_status: A proxy's response to CONNECT, 0 if there was none.

    Returns:
        The failure, or an error of this machine.
    """
    if connect_status == 407:
        return UserError(PROXY_PASSWORD_MISSING)
    if connect_status >= 400:
        outcome, what = ("no_route", "cannot reach the host") if connect_status >= 500 else ("refused", "refuses")
        return Failed(outcome, f"the proxy {what} (HTTP {connect_status})")
    detail = _TIMING.sub("", " ".join(message.split()))[:200]
    if code == pycurl.E_OUT_OF_MEMORY or os_error in LOCAL_ERRORS:
        return UserError(f"This machine ran out of sockets or memory ({detail}); lower download.concurrency.")
    if code == pycurl.E_SSL_CACERT_BADFILE:
        return UserError(f"The trusted certificates cannot be read ({detail}); correct or unset SSL_CERT_FILE.")
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return Failed("timeout", "no response in time")
    if code in (pycurl.E_COULDNT_CONNECT, pycurl.E_SSL_CONNECT_ERROR) and os_error in _BY_ERRNO:
        return Failed(_BY_ERRNO[os_error], detail)
    return Failed(_BY_CODE.get(code, "bad_response"), detail)


class Body:
    """Collects and decompresses a body without ever holding more than a limit."""

    def __init__(self, encoding: str, limit: int) -> None:
        """Begin a body.

        Args:
            encoding: The Content-Encoding, "" if there is none.
            limit: The most bytes, before and after decompression.

        Raises:
            Failed: If the encoding is unknown.
        """
        self.size = 0
        self._received = 0
        self._limit = limit
        self._chunks: list[bytes] = []
        self._inflates: list[Any] = []
        # Other names (UTF-8, none, binary, aws-chunked) are mistakes of servers, and browsers ignore them.
        names = [name.strip().lower() for name in encoding.split(",")]
        if unknown := next((name for name in names if name in _NOT_REQUESTED), None):
            raise Failed("bad_response", f"compressed in a way that was not requested: {unknown!r}")
        if layers := [name for name in names if name in _COMPRESSED]:
            if len(layers) > _MAX_LAYERS:
                raise Failed("bad_response", f"compressed {len(layers)} times")
            self._inflates = [_Inflate() for _ in layers]

    def add(self, chunk: bytes) -> None:
        """Add a chunk as received; raise :class:`Failed` beyond the limit or for invalid compression."""
        self._received += len(chunk)
        if self._received > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        for inflate in self._inflates:
            try:
                chunk = inflate.add(chunk, self._limit - self.size + 1)
            except zlib.error as error:
                raise Failed("bad_response", f"invalid compression: {error}") from None
        self.size += len(chunk)
        if self.size > self._limit:
            raise Failed("too_large", f"more than {self._limit} bytes")
        self._chunks.append(chunk)

    def end(self) -> bytes:
        """Return the complete body; raise :class:`Failed` if the compressed data are truncated."""
        if self.size and not all(inflate.is_complete for inflate in self._inflates):
            raise Failed("truncated", f"the compressed body ends after {self.size} bytes")
        return b"".join(self._chunks)


class _Inflate:
    """Decompresses gzip (also of several members), zlib and raw deflate, whichever the first bytes show."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=47)
        self._begin = b""  # up to two bytes, which show whether it is raw deflate
        self._raw = False
        self._behind = b""  # what follows a member, until it shows whether it is another

    @property
    def is_complete(self) -> bool:
        return self._stream.eof

    def add(self, chunk: bytes, limit: int) -> bytes:
        """Decompress a chunk to at most ``limit`` bytes; raise ``zlib.error`` for invalid data."""
        found = b""
        while chunk and len(found) < limit:
            if self._stream.eof:
                chunk, self._behind = self._behind + chunk, b""
                if len(chunk) < len(_GZIP_MAGIC):
                    self._behind = chunk
                    break
                if not chunk.startswith(_GZIP_MAGIC):
                    break  # what follows the last member belongs to nothing
                self._stream = zlib.decompressobj(wbits=47)
            try:
                found += self._stream.decompress(chunk, limit - len(found))
            except zlib.error:
                if self._raw or len(self._begin) >= len(_GZIP_MAGIC):
                    raise
                self._raw, self._stream, chunk = True, zlib.decompressobj(wbits=-15), self._begin + chunk
                continue
            self._begin = self._begin or chunk[: len(_GZIP_MAGIC)]
            chunk = self._stream.unused_data
        return found


class Exchange:
    """A request and its response so far. Header names are in lower case; only those that are used here are kept."""

    __slots__ = (
        "_complete",
        "_head",
        "_limit",
        "_on_response",
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

    def __init__(self, host: str, limit: int, head: list[bytes], on_response: Callable[[Exchange], None]) -> None:
        """Begin a request.

        Args:
            host: The host.
            limit: The most bytes of a body.
            head: Where libcurl appends the lines of the response's head.
            on_response: Called when the head is complete.
        """
        self.host = host
        self.status = 0
        self.headers: dict[bytes, list[str]] = {}
        self.body: Body | None = None
        self.started = self.heard = time.monotonic()
        self._limit = limit
        self._on_response = on_response
        self._complete = False
        self._head = head
        self._skipped = 0
        self.fault: Failed | UserError | None = None
        self.held = 0
        self.has_pass = False
        self.paused_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def header(self, name: bytes) -> str:
        """Return the last value of a header, or ""."""
        return self.headers.get(name, ("",))[-1]

    def _read_head(self) -> bool:
        """Parse the head if it is complete, and check whether it is; raise :class:`Failed` for a body of no use.

        The heads of 1xx responses may come before it, and the trailer of a chunked body after it.
        """
        head = _last_head(self._head)
        if head is None:
            return False
        match = _STATUS.match(head[0])
        status = int(match[1]) if match else 0
        if match is not None and status < 200:
            return False
        self._complete = True
        self.heard = time.monotonic()
        self.status = status
        for name, value in _HEADER.findall(b"".join(head)):
            self.headers.setdefault(name.lower(), []).append(_decoded(value))
        self._on_response(self)
        if self.has_image:
            self._begin_body()
        return True

    @property
    def has_image(self) -> bool:
        """Whether the head announces a complete body: a status such as 200, or a 206 that is the whole."""
        if self.status == 206:
            whole = _WHOLE.fullmatch(self.header(CONTENT_RANGE).strip())
            return whole is not None and int(whole[1]) + 1 == int(whole[2])
        return self.status in _WITH_IMAGE

    def _begin_body(self) -> None:
        announced = self.header(CONTENT_LENGTH)
        if announced.isdecimal() and int(announced[:_MAX_DIGITS]) > self._limit:
            raise Failed("too_large", f"{announced[:_MAX_DIGITS]} bytes announced")
        self.body = Body(self.header(CONTENT_ENCODING), self._limit)

    def on_data(self, chunk: bytes) -> bool:
        """Add a chunk of the body; return False if no more is needed. Raise :class:`Failed` for an unusable body."""
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
        return self._skipped > _READ_OF_ERRORS

    def end(self, fault: Failed | UserError | None, status: int | None = None) -> Failed | UserError | None:
        """Return the failure of a finished exchange, None if the response is usable.

        Args:
            fault: libcurl's failure.
            status: The status that libcurl has read, None where it is not known.
        """
        try:
            complete = self._complete or self._read_head()
        except Failed as failed:
            self.fault, complete = failed, True
        fault = self.fault or fault
        if fault is None and complete and status not in (None, self.status):
            fault = Failed("bad_response", f"two statuses, {status} and {self.status}")
        if fault is None and not complete:
            fault = Failed("reset", "the head of the response is incomplete")
        if not isinstance(fault, Failed):
            return fault
        if self._enough or (complete and not self.has_image and fault.outcome in _BODY_FAILURES):
            return None  # the body of an error or a redirect does not matter
        if self.status >= 200:
            fault.http_status = self.status
        return fault

    def late(self, now: float, timeout_s: float) -> Failed | None:
        """Return the failure if nothing or too little arrived for too long.

        Args:
            now: The time, in monotonic seconds.
            timeout_s: How long nothing may arrive, in seconds.
        """
        if self.paused_at:
            return None
        try:
            if not self._complete:
                self._read_head()
        except Failed as failed:
            return failed
        if now - self.heard > timeout_s:
            if not self._complete:
                return Failed("timeout", "no response in time")
            return Failed("stalled", f"{self.body.size if self.body else 0} bytes arrived, then none")
        if (self.body is not None and self.body.size > 0) or self._complete:
            elapsed, size = now - self.started, self.body.size if self.body else self._skipped
            if elapsed > _GRACE * timeout_s and size < elapsed * _LOWEST_RATE:
                return Failed("stalled", f"only {size} bytes in {elapsed:.0f} s")
        return None


def _last_head(lines: list[bytes]) -> list[bytes] | None:
    """Return the lines of the last complete head: those of 1xx responses may precede it, a trailer may follow it."""
    last, begun = None, 0
    for place, line in enumerate(lines):
        if line in (b"\r\n", b"\n"):
            if lines[begun][:5].upper() == b"HTTP/":
                last = lines[begun:place]
            begun = place + 1
    return last


def _decoded(value: bytes) -> str:
    value = value.rstrip()
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
