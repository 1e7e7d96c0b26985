"""Keep the cookies of one chain of redirects: some sites show an image only to who sends back the cookie just set."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, cast
from urllib.request import Request

from affectflow.download.address import Address

if TYPE_CHECKING:
    from http.client import HTTPResponse

_MAX_COOKIES = 50
_MAX_HEADER = 4096  # characters


class Cookies:
    """The cookies that were set on the way to one image; they are forgotten with it."""

    def __init__(self) -> None:
        self._jar: CookieJar | None = None

    def add(self, address: Address, headers: Sequence[str]) -> None:
        """Keep the cookies of a response, as far as its site may set them.

        Args:
            address: What was requested.
            headers: The values of its Set-Cookie headers.
        """
        if not headers:
            return
        if self._jar is None:
            self._jar = CookieJar(DefaultCookiePolicy(rfc2965=False))
        self._jar.extract_cookies(cast("HTTPResponse", _Response(headers)), Request(str(address)))

    def header(self, address: Address) -> str:
        """Return the value of the header Cookie for a request, "" for none."""
        if self._jar is None:
            return ""
        request = Request(str(address))
        self._jar.add_cookie_header(request)
        value = request.get_header("Cookie") or ""
        return value if len(value) <= _MAX_HEADER and value.isascii() and value.isprintable() else ""


class _Response:
    """What a cookie jar needs of a response."""

    def __init__(self, headers: Sequence[str]) -> None:
        self._message = Message()
        for value in headers[:_MAX_COOKIES]:
            if value.isprintable():
                self._message["Set-Cookie"] = value

    def info(self) -> Message:
        return self._message
