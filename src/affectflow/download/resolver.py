"""Name look-ups that refuse private addresses, through the system's resolver or through given name servers."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.resolver
from aiohttp.abc import AbstractResolver, ResolveResult


class BlockedAddress(Exception):
    """A host that lies only at addresses which must not be connected to."""


class Resolver(AbstractResolver):
    """Looks names up and lets only public addresses pass, unless the host is in ``allowed``.

    What is checked is what gets connected to: the addresses handed on are those that passed.
    """

    def __init__(self, nameservers: Sequence[str], allowed: Sequence[str], timeout: float) -> None:
        self._allowed = tuple(host.lower() for host in allowed)
        self._dns: dns.asyncresolver.Resolver | None = None
        if nameservers:
            self._dns = dns.asyncresolver.Resolver(configure=False)
            self._dns.nameservers = [_nameserver(text) for text in nameservers]
            self._dns.lifetime = timeout
            self._dns.timeout = timeout / 2
            self._dns.cache = dns.resolver.LRUCache(10_000)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of a host. Raises ``OSError`` when it is unknown, :class:`BlockedAddress` when all are private."""
        addresses = await self._lookup(host, port)
        passed = [address for address in addresses if self.allows(host, address)]
        if not passed:
            raise BlockedAddress(f"{host} lies at {addresses[0]}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in passed
        ]

    def allows(self, host: str, address: str) -> bool:
        """Whether ``host`` may be connected to at ``address``."""
        return is_public(address) or any(_matches(host.lower(), pattern) for pattern in self._allowed)

    async def _lookup(self, host: str, port: int) -> list[str]:
        if self._dns is None:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            return [str(entry[4][0]) for entry in found]
        try:
            answer = await self._dns.resolve_name(host)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise OSError(None, f"{type(error).__name__} for {host}") from None
        addresses = list(answer.addresses())
        if not addresses:
            raise OSError(None, f"{host} has no address")
        return addresses

    async def close(self) -> None:
        return None


def is_public(address: str) -> bool:
    """False for private, loopback, link-local, multicast and reserved addresses, also inside mapped IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _nameserver(text: str) -> dns.nameserver.Nameserver:
    if text.startswith("["):
        address, _, rest = text[1:].partition("]")
        port = rest.lstrip(":")
    else:
        address, _, port = text.partition(":")
    return dns.nameserver.Do53Nameserver(address, int(port) if port else 53)
