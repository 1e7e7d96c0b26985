"""What is known of a row while it is fetched."""

from __future__ import annotations

from dataclasses import dataclass, field

from affectflow.download.address import Address
from affectflow.download.archive import Search
from affectflow.download.cookies import Cookies
from affectflow.download.lists import Row
from affectflow.download.outcomes import Outcome


@dataclass(slots=True, eq=False)
class Task:
    """A row in progress.

    Attributes:
        row: The row.
        start: The row's URL that is being fetched, the first or the second.
        address: ``start``, or where it was redirected to.
        hops: Redirects from host to host since ``start``.
        cookies: Those set since ``start``.
        tries: Failures of ``start``, without those that an outage or a standstill caused.
        standstills: Failures that standstills of this process caused.
        attempts: Attempts at both of the row's URLs.
        first_try: Seconds since 1970.
        first_failure: The outcome of the first URL while the second is fetched.
        search: The search in a web archive, once the URLs are gone.
    """

    row: Row
    start: Address
    address: Address
    hops: int = 0
    cookies: Cookies = field(default_factory=Cookies)
    tries: int = 0
    standstills: int = 0
    attempts: int = 0
    first_try: float = 0.0
    first_failure: Outcome | None = None
    search: Search | None = None
