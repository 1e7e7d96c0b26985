"""URL <-> file name.

A name is a readable part, for people, and 130 bits of the URL's SHA-256, for uniqueness: it depends on nothing
but the URL, so further rows never rename old files. It is lower-case ASCII of at most 120 bytes, valid on
every file system in use, and claims no image type, since the content alone decides that.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

MAX_BYTES = 120
_DIGEST_LENGTH = 26  # base32 characters of 5 bits
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_OTHER = re.compile(r"[^a-z0-9]+")


def file_name(url: str) -> str:
    """A portable file name for any text at all."""
    return name(url, url_digest(url))


def name(url: str, digest: bytes) -> str:
    """The file name, where the URL's digest is known already."""
    unique = _base32(digest)
    readable = _readable(url)[: MAX_BYTES - _DIGEST_LENGTH - 1].strip("-")
    return f"{readable}-{unique}" if readable else unique


def _base32(digest: bytes) -> str:
    """The first 26 characters of RFC 4648's base 32, in lower case."""
    bits = int.from_bytes(digest[:17]) >> 6
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def url_digest(url: str) -> bytes:
    """SHA-256 of the URL's text; also what partitions and splits go by."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()


def key(digest: bytes) -> int:
    """64 bits of a URL's digest."""
    return int.from_bytes(digest[:8])


def _readable(url: str) -> str:
    """Host and last path segment, in ASCII letters, digits and hyphens."""
    rest = url.partition("://")[2] or url
    address = rest.partition("?")[0].partition("#")[0]
    host, _, path = address.partition("/")
    host = host.rpartition("@")[2]
    last = path.rstrip("/").rpartition("/")[2][:200]
    if "%" in last:
        last = unquote(last, errors="replace")
    text = f"{host[:60]} {last}"
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _OTHER.sub("-", text.lower()).strip("-")


def folder(name: str) -> str:
    """The sub-folder of the image store in which a file lies: one of 1,024, by the hash in its name."""
    return name[-_DIGEST_LENGTH:][:2]


def relative_path(name: str) -> Path:
    """Where a file lies inside the image store."""
    return Path(folder(name)) / name
