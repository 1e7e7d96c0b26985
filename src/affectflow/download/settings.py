"""The download's settings, as the configuration names them."""

from __future__ import annotations

from dataclasses import dataclass


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
