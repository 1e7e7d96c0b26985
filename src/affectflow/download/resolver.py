"""Name look-ups, through the system's resolver or through given name servers; and which addresses are public."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from affectflow.download.outcomes import Failed
from affectflow.errors import UserError

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.nameserver

_LOOK_UPS_AT_ONCE = 64  # getaddrinfo blocks a thread, for a dead name up to ten seconds
_KEPT_S = 300.0
_MOST_KEPT = 10_000


class Resolver:
    """Looks names up and lets only public addresses pass, unless the host is in ``allowed``."""

    def __init__(
        self, nameservers: Sequence[str], allowed: Sequence[str], timeout_s: float, looked_up: Callable[[str], None]
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed if not host.startswith("*.") and "/" not in host)
        self._below = tuple(host[1:].lower() for host in allowed if host.startswith("*."))
        self._networks = [_network(text) for text in allowed if "/" in text]
        self._looked_up = looked_up
        self._timeout_s = timeout_s
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._under_way: dict[str, asyncio.Future[tuple[str, ...]]] = {}
        self._dns: dns.asyncresolver.Resolver | None = None
        self._threads: ThreadPoolExecutor | None = None
        if nameservers:
            import dns.asyncresolver

            self._dns = dns.asyncresolver.Resolver(configure=False)
            self._dns.nameservers = [_nameserver(text) for text in nameservers]
            self._dns.lifetime = timeout_s
            self._dns.timeout = timeout_s / 2
        else:
            self._threads = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE, thread_name_prefix="look-up")

    async def addresses(self, host: str, fresh: bool = False) -> tuple[str, ...]:
        """Addresses of a host that may be connected to, kept for five minutes.

        Raises :class:`Failed` with ``dns`` when the host is unknown, ``blocked_address`` when all are private.
        """
        self.check_literal(host)
        if is_address(host):
            return (host,)
        found = self._kept(host)
        if fresh or not found:
            found = await self._look_up_once(host)
        passed = tuple(address for address in found if self.allows(host, address))
        if not passed:
            raise Failed("blocked_address", f"{host} lies at {found[0]}")
        return passed

    def check_literal(self, host: str) -> None:
        """Raise :class:`Failed` for a host that is written as an address which may not be connected to."""
        if is_address(host) and not self.allows(host, host):
            raise Failed("blocked_address", f"{host} is a private address")

    def allows(self, host: str, address: str) -> bool:
        """Whether ``host`` may be connected to at ``address``."""
        if is_public(address) or host.lower() in self._allowed or host.lower().endswith(self._below):
            return True
        return any(ipaddress.ip_address(address.partition("%")[0]) in network for network in self._networks)

    def close(self) -> None:
        """Leave look-ups that are under way to themselves."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _kept(self, host: str) -> tuple[str, ...]:
        at, addresses = self._known.get(host, (0.0, ()))
        return addresses if time.monotonic() - at < _KEPT_S else ()

    async def _look_up_once(self, host: str) -> tuple[str, ...]:
        """However many ask for a name, it is looked up once."""
        pending = self._under_way.get(host)
        if pending is None:
            pending = asyncio.ensure_future(self._look_up(host))
            self._under_way[host] = pending
            pending.add_done_callback(lambda _: self._under_way.pop(host))
        try:
            addresses = await asyncio.shield(pending)
        except OSError as error:
            raise Failed("dns", " ".join(str(error).split())[:200]) from None
        self._looked_up(host)
        if len(self._known) >= _MOST_KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[host] = time.monotonic(), addresses
        return addresses

    async def _look_up(self, host: str) -> tuple[str, ...]:
        if self._dns is None:
            loop = asyncio.get_running_loop()
            look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
            try:
                async with asyncio.timeout(self._timeout_s):
                    found = await loop.run_in_executor(self._threads, look_up)
            except TimeoutError:
                raise OSError(f"looking up {host} took too long") from None
            except UnicodeError as error:
                raise OSError(f"{host} is no name: {error}") from None
            return tuple(str(entry[4][0]) for entry in found)
        import dns.exception

        try:
            answer = await self._dns.resolve_name(host)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise OSError(f"{type(error).__name__} for {host}") from None
        addresses = tuple(answer.addresses())
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses


@lru_cache(10_000)
def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(10_000)
def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast and reserved addresses, also inside mapped IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UserError(f"download.allow_private_hosts: {text!r} is no network; write it like 10.1.0.0/16.") from None


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    import dns.nameserver

    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.lstrip(":")
    else:
        address, _, port = text.partition(":")
    return dns.nameserver.Do53Nameserver(address, int(port) if port else 53)
