"""The download's settings, as the configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

_HOW = ("concurrency", "per_host", "rate_per_host", "contact", "outage_patience_s", "retry_outcomes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See ``download`` in ``config/README.md``. The defaults here are for the real web."""

    concurrency: int = 64
    per_host: int = 8
    rate_per_host: float = 20.0
    timeout_s: float = 20.0
    retries: int = 3
    nameservers: tuple[str, ...] = ()
    allow_private_hosts: tuple[str, ...] = ()
    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    decode: bool = True
    tls_fallback: bool = False
    robots_tag: bool = True
    outage_patience_s: float = 3600.0
    contact: str = ""
    round: int = 1
    retry: tuple[str, ...] = ()

    def decisive(self) -> dict[str, Any]:
        """The settings that may turn a failure into a success, and so make it worth another try."""
        return {key: value for key, value in asdict(self).items() if key not in _HOW}

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From the configuration's mapping; keys that say nothing about fetching are left aside."""
        known = {field.name for field in fields(cls)}
        given: dict[str, Any] = {key: value for key, value in settings.items() if key in known}
        for key, value in given.items():
            if isinstance(value, list):
                given[key] = tuple(value)
        return cls(**given)
