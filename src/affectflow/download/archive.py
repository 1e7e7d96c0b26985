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
_DATE_OF_COPY = re.compile(r"/web/(\d{14})")


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

    def copies(self, answer: bytes) -> list[Copy]:
        """Return the copies that the index lists, without repetitions; raise :class:`Failed` for another answer."""
        try:
            rows = json.loads(answer) if answer.strip() else []
            found: dict[str, Copy] = {}
            for time, original, digest in rows[1:]:
                datetime.strptime(time, _TIME)
                found.setdefault(digest, Copy(self._below(f"web/{time}id_/{original}"), time))
        except (ValueError, TypeError, KeyError, RecursionError, Failed):
            raise Failed("bad_response", "its index answers in another form than documented") from None
        return list(found.values())[:_TRIED]

    def _below(self, path: str) -> Address:
        return Address.parse(f"{str(self.server).rstrip('/')}/{path}")


class Search:
    """The search for a copy of a row: first its URLs are asked for, then the copies are fetched."""

    def __init__(self, archive: Archive, row: Row, gone: Outcome) -> None:
        self._archive = archive
        self._gone = gone
        self._urls = deque(dict.fromkeys(url for url in (row.url, row.url_orig) if url.strip()))
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
            try:
                return self._archive.question(self._urls.popleft())
            except Failed:
                continue  # no archive has what is not a URL
        return None

    def add(self, answer: bytes) -> None:
        """Add the copies that the index lists; raise :class:`Failed` for another answer."""
        self._copies.extend(self._archive.copies(answer))

    def record(self, failed: Failed) -> None:
        """Record why the latest address gave nothing."""
        what = "the index" if self._copy is None else f"the copy of {_day(self._copy.time)}"
        self._problems.append(f"{what}: {failed.outcome}, {failed.detail}")

    def stays(self, target: Address) -> bool:
        """Check whether a redirect stays in the archive; what others show is not a copy."""
        return self._archive.holds(target)

    def success(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a row whose copy was fetched."""
        assert self._copy is not None
        found = _DATE_OF_COPY.search(outcome.final_url)  # the archive may redirect to a copy of another date
        time = found[1] if found else self._copy.time
        outcome.outcome = ARCHIVED
        outcome.archived_at = datetime.strptime(time, _TIME).replace(tzinfo=UTC).timestamp()
        outcome.detail = f"copy of {_day(time)}; at its site: {self._reason}"
        return outcome

    def failure(self) -> Outcome:
        """Return the outcome of a row of which no copy could be had: that of its URLs."""
        problems = "; ".join(self._problems) or "no copy"
        return replace(self._gone, detail=f"{self._gone.detail}; in the archive: {problems}"[:500])

    @property
    def _reason(self) -> str:
        return f"{self._gone.outcome}, {self._gone.detail}"[:300]


def _day(time: str) -> str:
    return f"{time[:4]}-{time[4:6]}-{time[6:8]}"
