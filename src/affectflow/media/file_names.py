"""File names for URLs.

A name consists of a readable part and of 130 bits of the URL's SHA-256, which make it unique. It depends only on the
URL, so that further rows never rename files. It is lower-case ASCII of at most 120 bytes, valid on every common file
system, and without a suffix, because the format is identified by content.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import unquote

MAX_BYTES = 120
_DIGEST_LENGTH = 26  # base32 characters of 5 bits
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_OTHER = re.compile(r"[^a-z0-9]+")


def file_name(url: str) -> str:
    """Return a portable file name for any text."""
    return name(url, url_digest(url))


def name(url: str, digest: bytes) -> str:
    """Return the file name of a URL whose digest is already known.

    Args:
        url: The URL.
        digest: Its SHA-256, 32 bytes, from :func:`url_digest`.
    """
    unique = _base32(digest)
    readable = _readable(url)[: MAX_BYTES - _DIGEST_LENGTH - 1].strip("-")
    return f"{readable}-{unique}" if readable else unique


def _base32(digest: bytes) -> str:
    """Return the first 26 characters in base 32 of RFC 4648, in lower case."""
    bits = int.from_bytes(digest[:17]) >> 6
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def url_digest(url: str) -> bytes:
    """Return the SHA-256 of a URL's text, which also decides its partition."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()


def key(digest: bytes) -> int:
    """Return the first 64 bits of a URL's digest as an integer."""
    return int.from_bytes(digest[:8])


def _readable(url: str) -> str:
    """Return host and last path segment in ASCII letters, digits and hyphens."""
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
    """Return the sub-folder of a file in the image store: one of 1,024, by the hash in its name."""
    return name[-_DIGEST_LENGTH:][:2]
