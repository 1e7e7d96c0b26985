"""Make one attempt at one URL: resolve the host, follow redirects, and classify the response."""

from __future__ import annotations

import importlib.metadata
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from types import TracebackType
from typing import Self

from yarl import URL

from affectflow.core.errors import UserError
from affectflow.download.address import Address
from affectflow.download.cookies import Cookies
from affectflow.download.exchange import (
    LOCATION,
    PROXY_PASSWORD_MISSING,
    RETRY_AFTER,
    ROBOTS_TAG,
    SET_COOKIE,
    Exchange,
)
from affectflow.download.outcomes import NETWORK, Failed
from affectflow.download.resolver import Resolver
from affectflow.download.settings import Settings
from affectflow.download.transfers import Transfers

_AGENT = "affectflow"
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_OPT_OUT = frozenset({"noai", "noimageai"})


@dataclass(frozen=True)
class Proxies:
    """Proxies by scheme. They resolve host names themselves, so only addresses written into URLs are checked here."""

    by_scheme: dict[str, str]

    @classmethod
    def of_environment(cls) -> Self:
        """Read HTTP_PROXY and HTTPS_PROXY; raise :class:`UserError` for a proxy that is not an http proxy."""
        found: dict[str, str] = {}
        for scheme, text in urllib.request.getproxies_environment().items():
            if scheme not in ("http", "https"):
                continue
            try:
                proxy = URL(text if "://" in text else f"http://{text}")
                usable = proxy.scheme in ("http", "https") and bool(proxy.host) and bool(proxy.port)
                usable &= not any(letter.isspace() for letter in text)
            except ValueError:
                usable = False
            if not usable:
                raise UserError(f"{scheme.upper()}_PROXY is {text!r}; give the URL of an http proxy.")
            found[scheme] = str(proxy)
        return cls(found)

    def proxy_of(self, target: Address) -> str | None:
        """Return the proxy for ``target``; None if there is none, or NO_PROXY names the host."""
        proxy = self.by_scheme.get(target.scheme)
        if proxy is None or urllib.request.proxy_bypass_environment(f"{target.host}:{target.port}"):  # type: ignore[attr-defined]
            return None
        return proxy


@dataclass(slots=True, eq=False)
class Response:
    """The complete body of a 200.

    Attributes:
        body: The body.
        status: The HTTP status.
        final_url: The URL after redirects.
        release: To be called when the body is no longer needed.
        detail: What was accepted though it is wrong, such as a certificate.
    """

    body: bytes
    status: int
    final_url: str
    release: Callable[[], None]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirect, and its HTTP status."""

    target: Address
    status: int


class Client:
    """Requests images through the environment's proxies; an async context manager.

    No credential or Referer is ever sent, and a cookie only where the same chain of redirects set it. ``looked_up`` is
    called with each host name that was resolved.
    """

    def __init__(self, settings: Settings, looked_up: Callable[[str], None] = lambda host: None) -> None:
        self._settings = settings
        self._proxies = Proxies.of_environment()
        self._resolver = Resolver(settings.nameservers, settings.allow_private_hosts, settings.timeout_s, looked_up)
        version = importlib.metadata.version("affectflow")
        purpose = "image data sets for facial expression research"
        agent = f"{_AGENT}/{version} ({'; '.join(filter(None, (purpose, settings.contact)))})"
        self._transfers = Transfers(settings.timeout_s, agent, self._resolver.allows, settings.max_bytes)

    async def __aenter__(self) -> Self:
        await self._transfers.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transfers.__aexit__()
        self._resolver.close()

    async def attempt(
        self, address: Address, on_response: Callable[[], None] = lambda: None, cookies: Cookies | None = None
    ) -> Response | Redirect:
        """Request ``address`` once and follow redirects within its host.

        Args:
            address: The URL.
            on_response: Called as soon as the headers of a response have come.
            cookies: Those of the redirects that led here; those that this attempt meets are added.

        Returns:
            The response, or a redirect to another host for the caller to follow.

        Raises:
            Failed: If there was no complete body.
            UserError: If this machine failed.
        """
        cookies = cookies or Cookies()
        try:
            return await self._follow(address, on_response, cookies, verify=True)
        except Failed as failed:
            if failed.outcome != "certificate" or not self._settings.tls_fallback:
                raise
            lenient = failed.detail
        response = await self._follow(address, on_response, cookies, verify=False)
        if isinstance(response, Response):
            response.detail = f"certificate not verified: {lenient}"
        return response

    async def reaches(self, address: Address) -> bool:
        """Check whether the site of ``address`` responds at all."""
        try:
            exchange = await self._get(address.site, lambda _: None, verify=False, head=True)
        except Failed as failed:
            return failed.outcome not in NETWORK or failed.http_status is not None  # even an invalid response is one
        self._transfers.release(exchange)
        # A proxy responds with these statuses itself when it cannot reach the site.
        return self._proxies.proxy_of(address) is None or exchange.status not in (502, 503, 504)

    async def resolves(self, host: str) -> bool:
        """Check whether a fresh look-up of ``host`` succeeds."""
        try:
            await self._resolver.addresses(host, fresh=True)
        except Failed as failed:
            return failed.outcome == "blocked_address"
        return True

    async def _get(
        self,
        target: Address,
        on_response: Callable[[Exchange], None],
        verify: bool = True,
        head: bool = False,
        cookie: str = "",
    ) -> Exchange:
        host, proxy, resolve = target.host, self._proxies.proxy_of(target), None
        if proxy is None:
            addresses = await self._resolver.addresses(host)
            if addresses != (host,):
                resolve = f"{host}:{target.port}:{','.join(map(_bracketed, addresses))}"
        else:
            self._resolver.check_literal(host)
        return await self._transfers.get(
            str(target), host, on_response, resolve, proxy, verify=verify, head=head, cookie=cookie
        )

    async def _follow(
        self, target: Address, on_response: Callable[[], None], cookies: Cookies, verify: bool
    ) -> Response | Redirect:
        """Follow redirects within a host; the caller follows the others, since it limits the requests to each host."""
        seen: set[tuple[Address, str]] = set()
        while True:
            sent = cookies.header(target)
            result = await self._step(target, on_response, cookies, verify)
            if isinstance(result, Response) or result.target.host != target.host:
                return result
            seen.add((target, sent))
            if (result.target, cookies.header(result.target)) in seen or len(seen) > _MAX_REDIRECTS:
                detail = f"redirected to {_short(result.target)} again"
                raise Failed("redirect_loop", detail, result.status, str(target))
            target = result.target

    async def _step(
        self, target: Address, on_response: Callable[[], None], cookies: Cookies, verify: bool
    ) -> Response | Redirect:
        def began(exchange: Exchange) -> None:
            on_response()
            if exchange.has_image and self._settings.robots_tag and _opts_out(exchange.headers.get(ROBOTS_TAG, ())):
                raise Failed("robots_opt_out", "X-Robots-Tag forbids it", 200)

        try:
            exchange = await self._get(target, began, verify, cookie=cookies.header(target))
            try:
                cookies.add(target, exchange.headers.get(SET_COOKIE, ()))
                if exchange.status == 407 and self._proxies.proxy_of(target):
                    raise UserError(PROXY_PASSWORD_MISSING)
                if exchange.status in _REDIRECTS:
                    return Redirect(_next(target, exchange), exchange.status)
                body = _body(exchange)
            except BaseException:
                self._transfers.release(exchange)
                raise
        except Failed as failed:
            failed.final_url = str(target)
            raise
        return Response(body, exchange.status, str(target), partial(self._transfers.release, exchange))


def _body(exchange: Exchange) -> bytes:
    status = exchange.status
    if exchange.body is None:
        raise Failed(
            _outcome_of_status(status), f"HTTP {status}", status, wait_s=_retry_after(exchange.header(RETRY_AFTER))
        )
    return exchange.body.end()


def _next(target: Address, exchange: Exchange) -> Address:
    location = exchange.header(LOCATION)
    if not location:
        raise Failed("redirect", f"HTTP {exchange.status} without a target", exchange.status)
    try:
        return target.join(location)
    except Failed:
        raise Failed("redirect", f"HTTP {exchange.status} to an unusable target", exchange.status) from None


def _opts_out(tags: Iterable[str]) -> bool:
    """Check whether an X-Robots-Tag forbids use by AI.

    A tag such as "bot: noai, nofollow" is for the named bot alone; those for other bots are ignored.
    """
    for tag in tags:
        bot, colon, rest = tag.partition(":")
        if colon and "," not in bot and bot.strip().lower() not in ("unavailable_after", "*", _AGENT):
            continue
        rules = (rest if colon else tag).split(",")
        if _OPT_OUT & {rule.strip().lower() for rule in rules}:
            return True
    return False


def _retry_after(text: str) -> float | None:
    """Parse Retry-After, a number of seconds or a date (RFC 9110, 10.2.3), into seconds from now."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _outcome_of_status(status: int) -> str:
    if status == 404:
        return "not_found"
    if status >= 500:
        return "server_error"
    return "client_error" if status >= 400 else "bad_response"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _short(url: Address) -> str:
    text = str(url)
    return text if len(text) <= 120 else f"{text[:117]}..."
