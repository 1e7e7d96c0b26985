"""Room for a download: bytes and files that a file system, and a user's quota on it, still take."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from affectflow.cluster.slurm import ask

BYTES_OF_AN_IMAGE = 200_000
"""More than most images of the web have at the sizes that faces are labelled at."""
_BLOCK = 1024
"""Bytes, of quota's blocks."""
_OWN_QUOTAS = ("lustre", "gpfs", "beegfs", "ceph", "panfs", "wekafs")
"""Kinds of file systems whose quotas only their own tools tell."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many bytes, or files, are left; ``by`` says what limits them."""

    left: int
    by: str


def shortage(folder: Path, images: int) -> str | None:
    """A sentence where so many images do not fit; None where they do."""
    place = _existing(folder)
    space, files = zip(*_limits(place), strict=True)
    room = min(filter(None, space), key=lambda limit: limit.left)
    inodes = min(filter(None, files), key=lambda limit: limit.left, default=None)
    if (needed := images * BYTES_OF_AN_IMAGE) > room.left:
        return (
            f"{images:,} images take about {needed / 1e9:,.0f} GB, and {room.by} has {room.left / 1e9:,.0f} GB left; "
            "work in a folder with more room."
        )
    if inodes is not None and images > inodes.left:
        return (
            f"{images:,} images are as many files, and {inodes.by} takes {inodes.left:,} more; ask for a larger quota "
            "of inodes, or work in another folder."
        )
    return None


def untold_quota(folder: Path) -> str:
    """The kind of a folder's file system where its quota is not known here; else empty."""
    place, mounts = _existing(folder), []
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split()
        if place.is_relative_to(point):
            mounts.append((len(point), kind))
    kind = max(mounts, default=(0, ""))[1]
    return kind if kind.removeprefix("fuse.") in _OWN_QUOTAS else ""


def _existing(folder: Path) -> Path:
    """Itself, or the first above it that exists."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    return place


def _limits(place: Path) -> Iterator[tuple[Limit | None, Limit | None]]:
    """Of bytes and of files, first the disk's, which says nothing of files where it does not count them."""
    found, by = os.statvfs(place), f"the disk of {place}"
    yield Limit(found.f_bavail * found.f_frsize, by), Limit(found.f_favail, by) if found.f_files else None
    if shutil.which("quota") is None:
        return
    for line in ask("quota", "--no-wrap", "--raw-grace", f"--filesystem={place}").stdout.splitlines():
        # filesystem, blocks, quota, limit, grace, files, quota, limit, grace; * behind what is exceeded
        cells = line.replace("*", "").split()
        if len(cells) == 9 and all(cell.isdigit() for cell in cells[1:]):
            blocks, _, most_blocks, _, files, _, most_files, _ = map(int, cells[1:])
            by = f"your quota on {cells[0]}"
            yield (
                Limit(max(0, most_blocks - blocks) * _BLOCK, by) if most_blocks else None,
                Limit(max(0, most_files - files), by) if most_files else None,
            )
