"""Resolve host names, through the system or given name servers, and distinguish public from private addresses."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from affectflow.core.errors import UserError
from affectflow.download.outcomes import Failed

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.nameserver

_LOOK_UPS_AT_ONCE = 64  # getaddrinfo blocks a thread, for an unknown name up to ten seconds
_PROBES_AT_ONCE = 16  # in addition, for look-ups that must not wait
_CACHED_S = 300.0
_MAX_CACHED = 10_000
_MAX_PORT = 65_535


class Resolver:
    """Resolves host names to addresses that may be connected to."""

    def __init__(
        self, nameservers: Sequence[str], allowed: Sequence[str], timeout_s: float, looked_up: Callable[[str], None]
    ) -> None:
        """Prepare look-ups.

        Args:
            nameservers: Name servers as ``address[:port]``; if there are none, the system resolves names.
            allowed: Private hosts that may be connected to: names, ``*.domain``, addresses, networks.
            timeout_s: How long a look-up may take, in seconds.
            looked_up: Called with each name that was resolved.
        """
        self._allowed = frozenset(host.lower() for host in allowed if not host.startswith("*.") and "/" not in host)
        self._allowed_domains = tuple(host[1:].lower() for host in allowed if host.startswith("*."))
        self._allowed_networks = [_network(text) for text in allowed if "/" in text]
        self._allows = lru_cache(_MAX_CACHED)(self._is_allowed)
        self._looked_up = looked_up
        self._timeout_s = timeout_s
        self._cache: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._under_way: dict[tuple[str, bool], asyncio.Future[tuple[str, ...]]] = {}
        self._dns: dns.asyncresolver.Resolver | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._slots = asyncio.Semaphore(_LOOK_UPS_AT_ONCE)
        if nameservers:
            import dns.asyncresolver

            self._dns = dns.asyncresolver.Resolver(configure=False)
            self._dns.nameservers = [_nameserver(text) for text in nameservers]
            self._dns.lifetime = timeout_s
            self._dns.timeout = timeout_s / 2
        else:
            self._threads = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE + _PROBES_AT_ONCE, thread_name_prefix="look-up")

    async def addresses(self, host: str, fresh: bool = False) -> tuple[str, ...]:
        """Return the addresses of a host that may be connected to.

        Args:
            host: A name or an address.
            fresh: Whether an answer from the last five minutes is not enough.

        Raises:
            Failed: ``dns`` if the host is unknown, ``blocked_address`` if all its addresses are private.
        """
        self.check_literal(host)
        if is_address(host):
            return (host,)
        found = self._cached(host)
        if fresh or not found:
            found = await self._look_up_once(host, fresh)
        passed = tuple(address for address in found if self.allows(host, address))
        if not passed:
            raise Failed("blocked_address", f"{host} has the private address {found[0]}")
        return passed

    def check_literal(self, host: str) -> None:
        """Raise :class:`Failed` if a host is written as an address that may not be connected to."""
        address = _literal(host)
        if address and not self.allows(host, address):
            raise Failed("blocked_address", f"{host} is a private address")

    def allows(self, host: str, address: str) -> bool:
        """Check whether a host may be connected to at an address.

        Args:
            host: A name or an address.
            address: One of its IP addresses.
        """
        return self._allows(host, address)

    def _is_allowed(self, host: str, address: str) -> bool:
        if is_public(address) or host.lower() in self._allowed or host.lower().endswith(self._allowed_domains):
            return True
        return any(ipaddress.ip_address(address.partition("%")[0]) in network for network in self._allowed_networks)

    def close(self) -> None:
        """Stop without waiting for look-ups under way."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _cached(self, host: str) -> tuple[str, ...]:
        at, addresses = self._cache.get(host, (0.0, ()))
        return addresses if time.monotonic() - at < _CACHED_S else ()

    async def _look_up_once(self, host: str, fresh: bool) -> tuple[str, ...]:
        """Resolve a name; simultaneous requests for it share one look-up."""
        pending = self._under_way.get((host, fresh))
        if pending is None:
            pending = asyncio.ensure_future(self._look_up(host, fresh))
            self._under_way[host, fresh] = pending
            pending.add_done_callback(lambda _: self._under_way.pop((host, fresh)))
        try:
            addresses = await asyncio.shield(pending)
        except OSError as error:
            raise Failed("dns", " ".join(str(error).split())[:200]) from None
        self._looked_up(host)
        if len(self._cache) >= _MAX_CACHED:
            self._cache.pop(next(iter(self._cache)))
        self._cache[host] = time.monotonic(), addresses
        return addresses

    async def _look_up(self, host: str, fresh: bool) -> tuple[str, ...]:
        if self._dns is None:
            return await self._resolve_by_system(host, fresh)
        import dns.exception

        try:
            answer = await self._dns.resolve_name(host)
        except (dns.exception.DNSException, ValueError) as error:
            raise OSError(f"{type(error).__name__} for {host}") from None
        addresses = tuple(answer.addresses())
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses

    async def _resolve_by_system(self, host: str, at_once: bool) -> tuple[str, ...]:
        """Resolve a name in a thread.

        A thread that hangs keeps its slot, so that waiting for a thread does not count as a slow name server.
        """
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        if not at_once:
            await self._slots.acquire()
        result = loop.run_in_executor(self._threads, look_up)
        if not at_once:
            result.add_done_callback(lambda _: self._slots.release())
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await asyncio.shield(result)
        except TimeoutError:
            raise OSError(f"looking up {host} took too long") from None
        except ValueError as error:  # also of the encoding of names
            raise OSError(f"{host} is not a valid name: {error}") from None
        return tuple(str(entry[4][0]) for entry in found)


@lru_cache(10_000)
def is_address(host: str) -> bool:
    """Check whether a host is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(10_000)
def _literal(host: str) -> str:
    """Return the address that a host denotes without a look-up, in any spelling (127.1, 2130706433); "" for a name."""
    host = unquote(host).rstrip(".")
    if is_address(host):
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return ""


@lru_cache(10_000)
def is_public(address: str) -> bool:
    """Return False for private, loopback, link-local, multicast and reserved addresses, also inside mapped IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    if any(parsed in network for network in _ALSO_PRIVATE if network.version == parsed.version):
        return False
    return parsed.is_global and not parsed.is_multicast


# Python's releases differ in these: translated, compatible and site-local addresses (RFC 6052, 4291, 6890).
_ALSO_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10", "192.0.0.0/24"),
    )
)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UserError(f"download.allow_private_hosts: {text!r} is not a network; write it as 10.1.0.0/16.") from None


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    import dns.nameserver

    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.lstrip(":")
    else:
        address, _, port = text.partition(":")
    number = int(port) if port else 53
    if number > _MAX_PORT:
        raise UserError(f"download.nameservers: {text!r} has no port that exists; give one up to {_MAX_PORT}.")
    return dns.nameserver.Do53Nameserver(address, number)
