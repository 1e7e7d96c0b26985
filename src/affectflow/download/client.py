"""One URL -> one outcome: connections, redirects, limits and the names of failures."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import importlib.metadata
import ipaddress
import random
import ssl
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from affectflow import images
from affectflow.download.outcomes import OK, Outcome
from affectflow.download.resolver import BlockedAddress, Resolver
from affectflow.download.settings import Settings
from affectflow.errors import UserError

_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_RETRIED = ("name_not_known", "timeout", "stalled", "reset", "truncated", "server_error")
_LONGEST_WAIT_S = 60.0
_BODY_TIMEOUTS = 6  # a whole body may take this many times the timeout


@dataclass(frozen=True, slots=True, eq=False)
class Fetched:
    """An outcome, and the body if it is a whole image."""

    outcome: Outcome
    body: bytes = b""


class _Failed(Exception):
    def __init__(self, outcome: str, detail: str, status: int | None = None, wait_s: float | None = None) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.status = status
        self.wait_s = wait_s


class Client:
    """Fetches images; use as an async context manager."""

    def __init__(self, settings: Settings, decoders: Executor) -> None:
        self._settings = settings
        self._decoders = decoders
        self._resolver = Resolver(settings.nameservers, settings.allow_private_hosts, settings.timeout_s)

    async def __aenter__(self) -> Self:
        version = importlib.metadata.version("affectflow")
        agent = f"affectflow/{version} (image data sets for facial expression research; {self._settings.contact})"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.concurrency,
                limit_per_host=self._settings.per_host,
                resolver=self._resolver,
                ttl_dns_cache=300,
            ),
            # Waiting for one's turn at a host is not the host's fault, hence no limit on the whole request.
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._settings.timeout_s, sock_read=self._settings.timeout_s
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": agent, "Accept": "image/*,*/*;q=0.5"},
            trust_env=False,
        )
        # Further tries are ours alone, or they could be neither counted nor spaced out.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def fetch(self, url: str, fallback: str = "") -> Fetched:
        """Fetch ``url``, and where that fails for good, ``fallback``. The outcome reported is the first URL's
        unless the second succeeds."""
        first = await self._fetch_patiently(url)
        if first.outcome.outcome == OK or not fallback:
            return first
        second = await self._fetch_patiently(fallback)
        attempts = first.outcome.attempts + second.outcome.attempts
        best = second if second.outcome.outcome == OK else first
        return replace(best, outcome=replace(best.outcome, attempts=attempts))

    async def _fetch_patiently(self, url: str) -> Fetched:
        for attempt in range(1, self._settings.retries + 2):
            try:
                fetched = await self._fetch_once(url)
                return replace(fetched, outcome=replace(fetched.outcome, attempts=attempt))
            except _Failed as failed:
                outcome = Outcome(failed.outcome, failed.detail, failed.status, attempts=attempt)
                again = failed.outcome in _RETRIED or failed.status == 429
                if not again or attempt > self._settings.retries:
                    return Fetched(outcome)
                pause = 0.5 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                await asyncio.sleep(min(_LONGEST_WAIT_S, max(pause, failed.wait_s or 0.0)))
        raise AssertionError("unreachable")

    async def _fetch_once(self, url: str) -> Fetched:
        target = _parse(url.strip())
        seen = {target}
        while True:
            try:
                self._check_literal_address(target)
                async with self._session.get(target, allow_redirects=False) as response:
                    if response.status not in _REDIRECTS:
                        return await self._read(response, target)
                    target = _next(target, response)
            except (_Failed, UserError):
                raise
            except Exception as error:
                raise _name(error) from error
            if target in seen or len(seen) > _MAX_REDIRECTS:
                raise _Failed("redirect_loop", f"redirected to {_short(target)} again", response.status)
            seen.add(target)

    def _check_literal_address(self, target: URL) -> None:
        """Addresses written into a URL never pass through the resolver."""
        host = target.host or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return
        if not self._resolver.allows(host, host):
            raise _Failed("blocked_address", f"{host} is a private address")

    async def _read(self, response: aiohttp.ClientResponse, target: URL) -> Fetched:
        status = response.status
        if status != 200:
            raise _Failed(_of_status(status), f"HTTP {status}", status, _retry_after(response))
        limit = self._settings.max_bytes
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(_BODY_TIMEOUTS * self._settings.timeout_s):
                async for chunk in response.content.iter_any():
                    size += len(chunk)
                    if size > limit:
                        raise _Failed("too_large", f"more than {limit} bytes", status)
                    chunks.append(chunk)
        except TimeoutError:
            raise _Failed("stalled", f"{size} bytes came, then too little in time", status) from None
        body = b"".join(chunks)
        try:
            checked = await asyncio.get_running_loop().run_in_executor(
                self._decoders, _check, body, self._settings.max_pixels
            )
        except images.ImageError as error:
            raise _Failed(error.reason, str(error), status) from None
        return Fetched(replace(checked, http_status=status, final_url=str(target)), body)


def _check(body: bytes, max_pixels: int) -> Outcome:
    """Decode the whole image once; nothing later has to doubt it."""
    decoded = images.decode_rgb(body, max_pixels)
    height, width = decoded.pixels.shape[:2]
    return Outcome(
        OK,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        format=decoded.format,
        width=width,
        height=height,
        dhash=images.difference_hash(decoded.pixels).hex(),
    )


def _parse(url: str) -> URL:
    try:
        parsed = URL(url)
        usable = parsed.scheme in ("http", "https") and parsed.host and parsed.port
    except ValueError as error:
        raise _Failed("bad_url", str(error)[:200]) from None
    if not usable:
        raise _Failed("bad_url", "not an http or https URL with a host")
    return parsed.with_user(None).with_fragment(None)


def _next(target: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location", "")
    if not location:
        raise _Failed("redirect", f"HTTP {response.status} without a target", response.status)
    try:
        return _parse(str(target.join(URL(location))))
    except (_Failed, ValueError):
        raise _Failed("redirect", f"HTTP {response.status} to an unusable target", response.status) from None


def _name(error: Exception) -> _Failed:
    """The outcome that an exception of the network stands for."""
    detail = " ".join(str(error).split())[:200] or type(error).__name__
    cause = error.__cause__
    if isinstance(error, BlockedAddress) or isinstance(cause, BlockedAddress):
        return _Failed("blocked_address", detail)
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return _Failed("certificate", detail)
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return _Failed("tls", detail)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _Failed("name_not_known", detail)
    if isinstance(error, TimeoutError):
        return _Failed("timeout", "no answer in time")
    if isinstance(error, OSError) and error.errno in _OURS:
        raise UserError(f"This machine ran out of sockets or memory ({detail}); lower download.concurrency.") from None
    if isinstance(error, OSError):
        return _Failed(_BY_ERRNO.get(error.errno or 0, "reset"), detail)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return _Failed("reset", detail)
    if isinstance(error, aiohttp.ClientPayloadError):
        return _Failed("reset" if isinstance(cause, ConnectionError) else "truncated", detail)
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | ValueError | UnicodeError):
        return _Failed("bad_url", detail)
    if isinstance(error, aiohttp.ClientError):
        return _Failed("bad_response", detail)
    raise error


_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL)
_BY_ERRNO = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "no_route",
    errno.ENETUNREACH: "no_route",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timeout",
}


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _of_status(status: int) -> str:
    if status == 404:
        return "not_found"
    if status >= 500:
        return "server_error"
    return "client_error" if status >= 400 else "bad_response"


def _short(url: URL) -> str:
    text = str(url)
    return text if len(text) <= 120 else f"{text[:117]}..."
