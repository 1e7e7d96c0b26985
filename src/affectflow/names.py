"""URL <-> file name.

A name is a readable part, for people, and 130 bits of the URL's SHA-256, for uniqueness: it depends on nothing
but the URL, so further rows never rename old files. It is lower-case ASCII of at most 120 bytes, valid on
every file system in use, and claims no image type, since the content alone decides that.
"""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from affectflow.errors import UserError
from affectflow.tables import read_csv, write_csv

MAX_BYTES = 120
COLUMNS = ("url", "url_orig", "file_name")
_DIGEST_LENGTH = 26  # base32 characters of 5 bits


def file_name(url: str) -> str:
    """A portable file name for any text at all."""
    digest = base64.b32encode(url_digest(url)).decode().lower()[:_DIGEST_LENGTH]
    readable = _readable(url)[: MAX_BYTES - _DIGEST_LENGTH - 1].strip("-")
    return f"{readable}-{digest}" if readable else digest


def url_digest(url: str) -> bytes:
    """SHA-256 of the URL's text; also what partitions and splits go by."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()


def _readable(url: str) -> str:
    """Host and last path segment, in ASCII letters, digits and hyphens."""
    rest = url.partition("://")[2] or url
    address = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, _, path = address.partition("/")
    host = host.rpartition("@")[2]
    last = unquote(path.rstrip("/").rpartition("/")[2][:200], errors="replace")
    text = unicodedata.normalize("NFKD", f"{host[:60]} {last}").encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")


def relative_path(name: str) -> Path:
    """Where a file lies inside the image store: one of 1,024 sub-folders, by the hash in its name."""
    return Path(name[-_DIGEST_LENGTH:][:2]) / name


def write_file_names(labels: Path, out: Path) -> int:
    """Name each distinct URL of a label table, in order of first appearance.

    Raises :class:`UserError` if two URLs came to the same name, which would take a SHA-256 collision.
    """
    fallbacks: dict[str, str] = {}
    for row in read_csv(labels, ("url", "url_orig")):
        known = fallbacks.setdefault(row["url"], row["url_orig"])
        if not known:
            fallbacks[row["url"]] = row["url_orig"]
    names = {url: file_name(url) for url in fallbacks}
    check_bijection(names.items())
    return write_csv(out, COLUMNS, ((url, fallbacks[url], names[url]) for url in fallbacks))


def check_bijection(pairs: Iterable[tuple[str, str]]) -> None:
    """Raise :class:`UserError` unless URLs and file names correspond one to one."""
    by_url: dict[str, str] = {}
    by_name: dict[str, str] = {}
    for url, name in pairs:
        if by_name.setdefault(name, url) != url or by_url.setdefault(url, name) != name:
            raise UserError(f"The URLs {by_name[name]!r} and {url!r} share the file name {name!r}; remove one of them.")
