"""The outcomes that a URL can have, and the classes by which the report of 2017 counted the same failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from affectflow.core.errors import UserError

OK = "ok"
ARCHIVED = "archived"
STORED = frozenset({OK, ARCHIVED})
"""The outcomes with an image."""

OUTCOMES: dict[str, str] = {
    OK: "a complete image is stored",
    ARCHIVED: "the URL is gone, and a web archive's copy is stored (download.archive)",
    "not_found": "the server answered 404",
    "client_error": "the server answered with another 4xx",
    "server_error": "the server answered 5xx",
    "redirect": "a 3xx answer without a usable target",
    "redirect_loop": "redirected in a circle or more than ten times",
    "dns": "the host name could not be resolved",
    "timeout": "no connection or no answer in time",
    "stalled": "the body stopped arriving or arrived too slowly",
    "reset": "the server closed the connection",
    "refused": "the host refused the connection at this port",
    "no_route": "the host cannot be reached",
    "certificate": "the server's certificate cannot be trusted",
    "tls": "no secure connection could be negotiated",
    "truncated": "the body ended before its announced end",
    "too_large": "more bytes than download.max_bytes",
    "too_many_pixels": "more pixels than download.max_pixels",
    "too_many_scans": "a JPEG of more scans than any camera writes, which would take minutes to decode",
    "not_an_image": "the body is not an image, whatever its name or header says",
    "corrupt_image": "an image that cannot be decoded to its end",
    "placeholder": "the image that a site shows in place of a removed one",
    "changed": "an image, but its SHA-256 is not the one in the list",
    "robots_opt_out": "the site asks to keep its images out of data sets (X-Robots-Tag noai, noimageai)",
    "blocked_address": "the host has a private address and is not in download.allow_private_hosts",
    "bad_url": "not a usable http or https URL",
    "bad_response": "the server's answer is not HTTP, or neither an image nor an error",
    "unexpected": "an error in affectflow itself, named in the detail; please report it with the URL",
}

REFUSED = frozenset(
    {"bad_url", "blocked_address", "robots_opt_out", "too_large", "too_many_pixels", "too_many_scans", "unexpected"}
)
"""Failures that say nothing about whether the image is still there."""

NETWORK = frozenset({"dns", "timeout", "stalled", "reset", "refused", "no_route", "truncated"})
"""Failures that an outage of the own network causes as well as an unreachable host."""

TRANSIENT = NETWORK - {"refused", "no_route"} | {"server_error"}
"""Failures that another attempt may overcome, as it may the HTTP statuses 408, 425 and 429."""

REPORT_CLASSES: tuple[tuple[str, int], ...] = (
    ("404", 1726),
    ("400/401/403/410", 205),
    ("500/502/503/504", 102),
    ("301/302 left unresolved", 20),
    ("name not known", 500),
    ("timed out", 109),
    ("connection reset", 17),
    ("connection refused", 16),
    ("no route", 10),
    ("certificate", 14),
    ("other", 41),
)
"""The failure classes of the report of 2017, with its counts among about 25,000 URLs."""

_CLASS_OF = {
    "not_found": "404",
    "redirect": "301/302 left unresolved",
    "redirect_loop": "301/302 left unresolved",
    "dns": "name not known",
    "timeout": "timed out",
    "stalled": "timed out",
    "reset": "connection reset",
    "refused": "connection refused",
    "no_route": "no route",
    "certificate": "certificate",
}


def report_class(outcome: str, http_status: int | None) -> str | None:
    """Return the report's class of an outcome, None for a success.

    Args:
        outcome: A key of ``OUTCOMES``.
        http_status: The status of the last answer, None if there was none.
    """
    if outcome in STORED:
        return None
    if outcome == "client_error" and http_status in (400, 401, 403, 410):
        return "400/401/403/410"
    if outcome == "server_error" and http_status in (500, 502, 503, 504):
        return "500/502/503/504"
    return _CLASS_OF.get(outcome, "other")


def check_some(counts: Counter[str]) -> None:
    """Raise :class:`UserError` if the list was empty or not a single image was downloaded."""
    if not counts:
        raise UserError("The list holds no URL; check that it is the right file.")
    if not stored(counts):
        common = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common(3))
        raise UserError(
            f"None of the {counts.total()} URLs gave an image ({common}); check the list and the network, and try "
            "again."
        )


@dataclass(slots=True)
class Outcome:
    """The result of one URL.

    Attributes:
        outcome: A key of ``OUTCOMES``.
        detail: One phrase for people.
        http_status: The status of the last answer, if there was one.
        final_url: The URL after redirects.
        attempts: How many requests were made, redirects not counted.
        bytes: The size of the image.
        sha256: The digest of the image, in hex.
        format: The image's format as Pillow names it.
        width: In pixels; unknown, as are height and dhash, if images are not decoded.
        height: In pixels.
        dhash: The perceptual hash, in hex.
        archived_at: When the copy in a web archive was made, in seconds since 1970 UTC; None for others.
        first_try: Seconds since 1970 UTC.
        last_try: Seconds since 1970 UTC.
    """

    outcome: str
    detail: str = ""
    http_status: int | None = None
    final_url: str = ""
    attempts: int = 0
    bytes: int | None = None
    sha256: str = ""
    format: str = ""
    width: int | None = None
    height: int | None = None
    dhash: str = ""
    archived_at: float | None = None
    first_try: float = 0.0
    last_try: float = 0.0


class Failed(Exception):
    """An attempt that gave no image; ``wait_s`` is how long the server asks to wait before the next."""

    def __init__(
        self,
        outcome: str,
        detail: str,
        http_status: int | None = None,
        final_url: str = "",
        wait_s: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail
        self.http_status = http_status
        self.final_url = final_url
        self.wait_s = wait_s

    @property
    def is_transient(self) -> bool:
        """Whether another attempt may succeed."""
        return self.outcome in TRANSIENT or self.http_status in (408, 425, 429)


def stored(counts: Counter[str]) -> int:
    """Return how many outcomes have an image."""
    return sum(counts[outcome] for outcome in STORED)


def counted(counts: Counter[str]) -> str:
    """Return the numbers of outcomes on a line: ``10,100 of 11,336 images; 776 not_found, 201 dns``."""
    others = Counter({name: count for name, count in counts.items() if name != OK and count})
    listed = ", ".join(f"{count:,} {name}" for name, count in others.most_common())
    return f"{stored(counts):,} of {counts.total():,} images{'; ' if listed else ''}{listed}"
