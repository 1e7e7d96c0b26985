"""What can be asked for."""

from __future__ import annotations

from yarl import URL

from affectflow.download.outcomes import Failed

_LONGEST = 65_536


def parse_url(url: str) -> URL:
    """A URL to ask for, without user, password and fragment; raises :class:`Failed` where it is none."""
    if len(url) > _LONGEST:
        raise Failed("bad_url", f"{len(url)} characters, more than {_LONGEST}")
    try:
        parsed = URL(url.strip())
        usable = parsed.scheme in ("http", "https") and parsed.host and parsed.port
    except ValueError as error:
        raise Failed("bad_url", str(error)[:200]) from None
    if not usable:
        raise Failed("bad_url", "not an http or https URL with a host")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        parsed = parsed.with_user(None)
    return parsed.with_fragment(None) if parsed.raw_fragment else parsed
