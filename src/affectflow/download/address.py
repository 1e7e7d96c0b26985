"""The URLs that are requested, sent as they are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urljoin

from yarl import URL

from affectflow.download.outcomes import Failed

_MAX_URL = 65_536  # characters
_PARTS = re.compile(r"(https?)://([^/?#\\]*)([^#]*)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NOT_IN_HOSTS = re.compile(r"[\x00-\x20\x7f#%/<>?@\[\\\]^|`{}\"]")
_NOT_IN_TARGETS = re.compile(r"[^!#-;=?-\[\]_a-z~]")
"""What RFC 3986 does not allow anywhere in a URL; a lone percent sign is sent as it is."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """A URL without user, password and fragment.

    Path and query are as they were written, also percent-encoded characters, an empty query and dot segments: signed
    URLs are valid only so. What cannot stand in a request line (blanks, control and non-ASCII characters, and
    ``"<>\\^`{|}``) is percent-encoded as UTF-8.

    Attributes:
        scheme: http or https.
        host: The host in ASCII, without the brackets of an IPv6 address.
        port: The port.
        target: Path and query.
    """

    scheme: str
    host: str
    port: int
    target: str

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port == _PORTS[self.scheme] else f':{self.port}'}"

    @property
    def site(self) -> Address:
        """The root of the same host."""
        return Address(self.scheme, self.host, self.port, "/")

    def join(self, location: str) -> Self:
        """Return the address that a redirect points to (RFC 3986, 5.2); raise :class:`Failed` if it is not usable."""
        location = location.strip().partition("#")[0]
        if not location:  # a fragment alone
            return self
        if _SCHEME.match(location):
            text = location
        elif location.startswith("//"):
            text = f"{self.scheme}:{location}"
        elif location.startswith("/"):
            text = self.origin + location
        else:
            path, mark, query = location.partition("?")
            text = urljoin(self.origin + self.target.partition("?")[0], path) + mark + query
        return type(self).parse(text)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URL; raise :class:`Failed` (``bad_url``) if it is not a usable http or https URL."""
        if len(text) > _MAX_URL:
            raise Failed("bad_url", f"{len(text)} characters, more than {_MAX_URL}")
        parts = _PARTS.match(text.strip())
        if parts is None:
            raise Failed("bad_url", "not an http or https URL with a host")
        scheme, authority, target = parts[1].lower(), parts[2].rpartition("@")[2], parts[3]
        try:
            host, port = _host_and_port(scheme, authority)
        except Exception as error:  # whatever a URL does to its parsers
            raise Failed("bad_url", f"{type(error).__name__}: {error}"[:200]) from None
        if not host:
            raise Failed("bad_url", "not an http or https URL with a host")
        encoded = _NOT_IN_TARGETS.sub(lambda match: _percent_encoded(match[0]), target)
        return cls(scheme, host, port, encoded if encoded.startswith("/") else f"/{encoded}")


def _host_and_port(scheme: str, authority: str) -> tuple[str, int]:
    parsed = URL(f"{scheme}://{authority}/")
    written = parsed.host or ""
    host = unquote(written)
    if host != written:  # encoded letters, also of other alphabets
        if ":" in host:
            raise ValueError(f"{host!r} is not a host")
        host = URL.build(scheme=scheme, host=host).host or ""
    ascii_host = (URL.build(scheme=scheme, host=host).raw_host or "") if host else ""
    if not ascii_host.isascii() or _NOT_IN_HOSTS.search(ascii_host):
        raise ValueError(f"{ascii_host[:80]!r} is not a host")
    if not parsed.port:
        raise ValueError("port 0")
    return ascii_host, parsed.port


def _percent_encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
