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
from urllib.parse import unquote

from affectflow.core.errors import UserError
from affectflow.download.outcomes import Failed

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.nameserver

_LOOK_UPS_AT_ONCE = 64  # getaddrinfo blocks a thread, for a dead name up to ten seconds
_PROBES_AT_ONCE = 16  # on top, for those that must not wait
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
        self._allows = lru_cache(_MOST_KEPT)(self._judge)
        self._looked_up = looked_up
        self._timeout_s = timeout_s
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._under_way: dict[tuple[str, bool], asyncio.Future[tuple[str, ...]]] = {}
        self._dns: dns.asyncresolver.Resolver | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._turn = asyncio.Semaphore(_LOOK_UPS_AT_ONCE)
        if nameservers:
            import dns.asyncresolver

            self._dns = dns.asyncresolver.Resolver(configure=False)
            self._dns.nameservers = [_nameserver(text) for text in nameservers]
            self._dns.lifetime = timeout_s
            self._dns.timeout = timeout_s / 2
        else:
            self._threads = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE + _PROBES_AT_ONCE, thread_name_prefix="look-up")

    async def addresses(self, host: str, fresh: bool = False) -> tuple[str, ...]:
        """Addresses of a host that may be connected to, kept for five minutes.

        Raises :class:`Failed` with ``dns`` when the host is unknown, ``blocked_address`` when all are private.
        """
        self.check_literal(host)
        if is_address(host):
            return (host,)
        found = self._kept(host)
        if fresh or not found:
            found = await self._look_up_once(host, fresh)
        passed = tuple(address for address in found if self.allows(host, address))
        if not passed:
            raise Failed("blocked_address", f"{host} lies at {found[0]}")
        return passed

    def check_literal(self, host: str) -> None:
        """Raise :class:`Failed` for a host that is written as an address which may not be connected to."""
        address = _literal(host)
        if address and not self.allows(host, address):
            raise Failed("blocked_address", f"{host} is a private address")

    def allows(self, host: str, address: str) -> bool:
        """Whether ``host`` may be connected to at ``address``."""
        return self._allows(host, address)

    def _judge(self, host: str, address: str) -> bool:
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

    async def _look_up_once(self, host: str, fresh: bool) -> tuple[str, ...]:
        """However many ask for a name, it is looked up once."""
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
        if len(self._known) >= _MOST_KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[host] = time.monotonic(), addresses
        return addresses

    async def _look_up(self, host: str, fresh: bool) -> tuple[str, ...]:
        if self._dns is None:
            return await self._ask_the_system(host, fresh)
        import dns.exception

        try:
            answer = await self._dns.resolve_name(host)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise OSError(f"{type(error).__name__} for {host}") from None
        addresses = tuple(answer.addresses())
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses

    async def _ask_the_system(self, host: str, at_once: bool) -> tuple[str, ...]:
        """A thread that hangs keeps its turn, so that waiting for one is not taken for a slow name server."""
        loop = asyncio.get_running_loop()
        look_up = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        if not at_once:
            await self._turn.acquire()
        asked = loop.run_in_executor(self._threads, look_up)
        if not at_once:
            asked.add_done_callback(lambda _: self._turn.release())
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await asyncio.shield(asked)
        except TimeoutError:
            raise OSError(f"looking up {host} took too long") from None
        except UnicodeError as error:
            raise OSError(f"{host} is no name: {error}") from None
        return tuple(str(entry[4][0]) for entry in found)


@lru_cache(10_000)
def is_address(host: str) -> bool:
    """Whether a host is an address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(10_000)
def _literal(host: str) -> str:
    """The address that a host means without a look-up, in whatever spelling (127.1, 2130706433); "" for a name."""
    host = unquote(host).rstrip(".")
    if is_address(host):
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return ""


@lru_cache(10_000)
def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast and reserved addresses, also inside mapped IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    if any(parsed in network for network in _INNER if network.version == parsed.version):
        return False
    return parsed.is_global and not parsed.is_multicast


# What Python's releases judge differently: translated, compatible and site-local addresses (RFC 6052, 4291, 6890).
_INNER = tuple(
    map(
        ipaddress.ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10", "192.0.0.0/24"),
    )
)


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
