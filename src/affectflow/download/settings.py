"""The download's settings, as the configuration names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Settings:
    """See ``download`` in ``config/README.md``."""

    concurrency: int
    per_host: int
    timeout_s: float
    retries: int
    nameservers: tuple[str, ...]
    allow_private_hosts: tuple[str, ...]
    max_bytes: int
    max_pixels: int
    contact: str
    round: int

    def decisive(self) -> dict[str, Any]:
        """The settings that may turn a failure into a success, and so make it worth another try."""
        how = ("concurrency", "per_host", "contact")
        return {key: value for key, value in asdict(self).items() if key not in how}

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """From the configuration's mapping."""
        lists = {key: tuple(settings[key]) for key in ("nameservers", "allow_private_hosts")}
        return cls(**{**settings, **lists})
