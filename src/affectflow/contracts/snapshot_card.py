"""``results/emotionet/snapshot.json``: what scores cite of the downloaded images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from affectflow.contracts.json_file import JsonFile, Part


class Reproduction(Part):
    """How a download differs from the snapshot that it reproduces."""

    id: str
    """Id of that snapshot."""
    urls: int
    images: int
    images_lost: int
    """Images that were not downloaded from any URL."""
    urls_that_differ: Mapping[str, int]
    """URLs from which the snapshot's image was not downloaded, by outcome."""


class SnapshotCard(JsonFile):
    """What scores cite of a snapshot, ``results/emotionet/snapshot.json``."""

    remedy: ClassVar[str] = "take the snapshot again"
    schema_version: Literal[1] = 1
    id: str
    """Digest of the content."""
    urls: int
    images: int
    """Distinct images."""
    splits: Mapping[str, int]
    """Images by split."""
    reproduces: Reproduction | None = None
