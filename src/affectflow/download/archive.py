"""Find the copies that a public web archive holds of URLs that are gone.

The index is asked as the Wayback Machine documents it (CDX server API: ``url``, ``closest``, ``sort``, ``filter``,
``fl``, ``limit`` and ``output=json``), and a copy is requested with ``id_`` behind its date, which gives the bytes as
they were archived.
"""

from __future__ import annotations

import json
import re
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple, Self
from urllib.parse import quote

from affectflow.download.address import Address
from affectflow.download.lists import Row
from affectflow.download.outcomes import ARCHIVED, REFUSED, Failed, Outcome
from affectflow.download.settings import ArchiveSettings

_ASKED = 20  # captures; most of them have the same bytes
_TRIED = 3  # copies
_FIELDS = ("timestamp", "original", "digest")
_TIME = "%Y%m%d%H%M%S"
_TIME_LENGTH = 14
_FIRST_YEAR = 1990
_COPY = re.compile(r"/web/(\d{14})(?:[a-z]{2}_)?/(.+)", re.DOTALL)


class Copy(NamedTuple):
    """A copy's address, and when it was archived, as ``YYYYMMDDhhmmss`` in UTC."""

    address: Address
    time: str


@dataclass(frozen=True, slots=True)
class Archive:
    """A web archive, and the date near which copies are wanted."""

    server: Address
    date: str

    @classmethod
    def of(cls, settings: ArchiveSettings) -> Self | None:
        """Return the archive of the settings, None where they name none."""
        return cls(Address.parse(settings.server), settings.date.replace("-", "")) if settings.server else None

    @staticmethod
    def may_have(outcome: Outcome) -> bool:
        """Check whether a URL with this outcome is gone; what was refused on purpose, or may wait, is not."""
        return outcome.outcome not in REFUSED and outcome.http_status != 429

    def search(self, row: Row, gone: Outcome) -> Search:
        """Begin the search for a row.

        Args:
            row: The row.
            gone: The outcome of its URLs.
        """
        return Search(self, row, gone)

    def holds(self, address: Address) -> bool:
        """Check whether an address is the archive's."""
        return address.origin == self.server.origin

    def question(self, url: str) -> Address:
        """Return the address that lists the copies of a URL, the nearest first; raise :class:`Failed` for no URL."""
        asked = quote(str(Address.parse(url)), safe="")
        return self._below(
            f"cdx/search/cdx?url={asked}&output=json&fl={','.join(_FIELDS)}&filter=statuscode:200"
            f"&filter=!mimetype:text/html&closest={self.date}&sort=closest&limit={_ASKED}"
        )

    def copies(self, answer: bytes, url: str) -> list[Copy]:
        """Return the copies of a URL that the index lists, the nearest first and without repetitions.

        Args:
            answer: What the index said.
            url: The URL that was asked for; captures of others are not its copies.

        Raises:
            Failed: It is another answer than documented.
        """
        try:
            rows = json.loads(answer) if answer.strip() else []
            if not isinstance(rows, list):
                raise TypeError
            wanted = datetime.strptime(self.date, "%Y%m%d")
            captures = [
                (abs(_moment(time) - wanted), time, original, digest)
                for time, original, digest in (rows[1:] if rows and tuple(rows[0]) == _FIELDS else rows)
                if _is_same_page(original, url)
            ]
            found: dict[object, Copy] = {}
            for _, time, original, digest in sorted(captures, key=lambda capture: capture[0]):
                copy = Copy(self._below(f"web/{time}id_/{original}"), time)
                found.setdefault(copy.address if digest in (None, "", "-") else digest, copy)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError, Failed):
            raise Failed("bad_response", "its index answers in another form than documented") from None
        return list(found.values())

    def _below(self, path: str) -> Address:
        return Address.parse(f"{str(self.server).rstrip('/')}/{path}")


class Search:
    """The search for a copy of a row: first its URLs are asked for, then the copies are fetched."""

    def __init__(self, archive: Archive, row: Row, gone: Outcome) -> None:
        self._archive = archive
        self._gone = gone
        self._urls = deque(dict.fromkeys(url for url in (row.url, row.url_orig) if url.strip()))
        self._tried = _ASKED if row.sha256 else _TRIED  # where it is known which image is wanted, any may be it
        self._asked = ""
        self._copies: deque[Copy] = deque()
        self._copy: Copy | None = None
        self._problems: list[str] = []

    @property
    def asks(self) -> bool:
        """Whether the latest address is a question to the index."""
        return self._copy is None

    def next(self) -> Address | None:
        """Return the next address to fetch, None where the search has ended without an image."""
        if self._copies:
            self._copy = self._copies.popleft()
            return self._copy.address
        self._copy = None
        while self._urls:
            self._asked = self._urls.popleft()
            try:
                return self._archive.question(self._asked)
            except Failed:
                continue  # no archive has what is not a URL
        return None

    def add(self, answer: bytes) -> None:
        """Add the copies that the index lists; raise :class:`Failed` for another answer."""
        self._copies.extend(self._archive.copies(answer, self._asked)[: self._tried])

    def record(self, failed: Failed) -> None:
        """Record why the latest address gave nothing."""
        what = "the index" if self._copy is None else f"the copy of {_day(self._copy.time)}"
        self._problems.append(f"{what}: {failed.outcome}, {failed.detail}")

    def check(self, final_url: str) -> None:
        """Raise :class:`Failed` where an archive showed something else than a copy of the URL, of whatever date."""
        if _copy_of(final_url, self._asked) is None:
            raise Failed("redirect", f"redirected to {final_url[:120]}, which is not a copy of it", 200, final_url)

    def stays(self, target: Address) -> bool:
        """Check whether a redirect stays in the archive; what others show is not a copy."""
        return self._archive.holds(target)

    def success(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a row whose copy was fetched."""
        time = _copy_of(outcome.final_url, self._asked)  # the archive may have redirected to a copy of another date
        assert time is not None
        outcome.outcome = ARCHIVED
        outcome.archived_at = _moment(time).replace(tzinfo=UTC).timestamp()
        outcome.detail = f"copy of {_day(time)}; at its site: {self._reason}"
        return outcome

    def failure(self) -> Outcome:
        """Return the outcome of a row of which no copy could be had: that of its URLs."""
        problems = "; ".join(self._problems) or "no copy"
        return replace(self._gone, detail=f"{self._gone.detail}; in the archive: {problems}"[:500])

    @property
    def _reason(self) -> str:
        return f"{self._gone.outcome}, {self._gone.detail}"[:300]


def _moment(time: str) -> datetime:
    """Parse ``YYYYMMDDhhmmss``; raise :class:`ValueError` where it is none, or from before the web."""
    moment = datetime.strptime(time, _TIME)
    if len(time) != _TIME_LENGTH or moment.year < _FIRST_YEAR:
        raise ValueError(time)
    return moment


def _copy_of(address: str, url: str) -> str | None:
    """Return the time of the copy of a URL at an address of the archive; None where it is not one."""
    found = _COPY.search(address)
    try:
        return found[1] if found and _is_same_page(found[2], url) and _moment(found[1]) else None
    except ValueError:
        return None


def _is_same_page(one: str, other: str) -> bool:
    """Return whether an archive takes two URLs for one: with another scheme or port, or without ``www.``."""
    return _key(one) == _key(other)


def _key(url: str) -> str:
    try:
        address = Address.parse(url)
    except Failed:
        return url
    target = address.target.removesuffix("?").removesuffix("/")
    return f"{address.host.removeprefix('www.')}{target}".lower()


def _day(time: str) -> str:
    return f"{time[:4]}-{time[4:6]}-{time[6:8]}"
