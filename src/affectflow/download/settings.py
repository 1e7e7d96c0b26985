"""The settings of a download, as section ``download`` of the configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

_OUTCOME_NEUTRAL = ("concurrency", "per_host", "rate_per_host", "contact", "outage_patience_s", "retry_outcomes")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings:
    """See ``download.archive`` in ``config/README.md``."""

    server: str = ""
    date: str = ""
    searches_per_minute: float = 24.0
    copies_per_minute: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See ``download`` in ``config/README.md``. The defaults here are for the public web."""

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
    archive: ArchiveSettings = ArchiveSettings()
    retry_round: int = 1
    retry_outcomes: tuple[str, ...] = ()

    def cache_key_settings(self) -> dict[str, Any]:
        """Select the settings that can turn a failure into a success; a change of one makes failures worth a retry."""
        values = {key: value for key, value in asdict(self).items() if key not in _OUTCOME_NEUTRAL}
        return {**values, "archive": (self.archive.server, self.archive.date)}

    @classmethod
    def of(cls, section: Mapping[str, Any]) -> Self:
        """Take the settings from the configuration's section and ignore its other keys."""
        names = {field.name for field in fields(cls)}
        values: dict[str, Any] = {key: value for key, value in section.items() if key in names}
        for key, value in values.items():
            if isinstance(value, list):
                values[key] = tuple(value)
            elif key == "archive":
                values[key] = ArchiveSettings(**value)
        return cls(**values)
