"""What can become of a URL: a closed list, and how the 2017 report counted the same things."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from affectflow.core.errors import UserError

OK = "ok"

OUTCOMES: dict[str, str] = {
    OK: "a whole image is in the store",
    "not_found": "the server answered 404",
    "client_error": "the server answered with another 4xx",
    "server_error": "the server answered 5xx",
    "redirect": "a 3xx answer without a usable target",
    "redirect_loop": "redirected in a circle or more than ten times",
    "dns": "the host's name could not be looked up",
    "timeout": "no connection or no answer in time",
    "stalled": "the body stopped coming or came too slowly",
    "reset": "the connection was closed by the other side",
    "refused": "nothing listens at the host's port",
    "no_route": "the host cannot be reached",
    "certificate": "the server's certificate cannot be trusted",
    "tls": "no secure connection could be agreed on",
    "truncated": "the body ended before its announced end",
    "too_large": "more bytes than download.max_bytes",
    "too_many_pixels": "more pixels than download.max_pixels",
    "not_an_image": "the body is no image, whatever its name or header says",
    "corrupt_image": "an image that cannot be decoded to its end",
    "placeholder": "the image that a site shows in place of a removed one",
    "changed": "an image, but not the one whose SHA-256 the list gives",
    "robots_opt_out": "the site asks that its images be kept out of data sets (X-Robots-Tag noai, noimageai)",
    "blocked_address": "the host lies at a private address and is not in download.allow_private_hosts",
    "bad_url": "not a usable http or https URL",
    "bad_response": "the server's answer is not HTTP, or neither an image nor an error",
}

NETWORK = frozenset({"dns", "timeout", "stalled", "reset", "refused", "no_route", "truncated"})
"""Failures that a lost network causes as well as a dead host."""

PASSING = NETWORK - {"refused", "no_route"} | {"server_error"}
"""Failures that another try may mend. (So may the statuses 408, 425 and 429.)"""

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
    """The report's class of an outcome; None for a success."""
    if outcome == OK:
        return None
    if outcome == "client_error" and http_status in (400, 401, 403, 410):
        return "400/401/403/410"
    if outcome == "server_error" and http_status in (500, 502, 503, 504):
        return "500/502/503/504"
    return _CLASS_OF.get(outcome, "other")


def check_some(counts: Counter[str]) -> None:
    """Raise :class:`UserError` when no image at all came."""
    if not counts:
        raise UserError("The list holds no URL; see what is in it.")
    if not counts[OK]:
        named = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common(3))
        raise UserError(
            f"None of the {counts.total()} URLs gave an image ({named}); check the list and the network, and try again."
        )


@dataclass(slots=True)
class Outcome:
    """What became of one URL.

    ``detail`` is one phrase for people; ``dhash`` the perceptual hash in hex; ``first_try`` and ``last_try`` are
    seconds since 1970 UTC. Width, height (pixels) and dhash are unknown where images are not decoded.
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
    first_try: float = 0.0
    last_try: float = 0.0


class Failed(Exception):
    """An attempt that gave no image: one of the outcomes, and how long the server asks to be left alone."""

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
    def passing(self) -> bool:
        """Whether another try may mend it."""
        return self.outcome in PASSING or self.http_status in (408, 425, 429)
