"""Room for a download: bytes and files that a file system, and a user's quota on it, still take."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from affectflow.cluster.slurm import ask

BYTES_OF_AN_IMAGE = 200_000
"""More than most pictures of the web have at the sizes that faces are labelled at."""
_BLOCK = 1024
"""Bytes, of quota's blocks."""


@dataclass(frozen=True, slots=True)
class Room:
    """``files`` None where the file system does not count them. ``by`` says who sets the limit."""

    bytes: int
    files: int | None
    by: str


def room_at(folder: Path) -> Room:
    """The tightest limit at a folder, or at the first above it that exists."""
    place = folder.resolve()
    while not place.exists():
        place = place.parent
    found = os.statvfs(place)
    disk = Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None, f"the disk of {place}")
    of_user = _quota()
    return disk if of_user is None or of_user.bytes > disk.bytes else of_user


def shortage(folder: Path, images: int) -> str | None:
    """A sentence where so many images do not fit; None where they do."""
    room, needed = room_at(folder), images * BYTES_OF_AN_IMAGE
    if needed > room.bytes:
        return (
            f"{images:,} images take about {needed / 1e9:,.0f} GB, and {room.by} has {room.bytes / 1e9:,.0f} GB left; "
            "work in a folder with more room."
        )
    if room.files is not None and images > room.files:
        return (
            f"{images:,} images are as many files, and {room.by} takes {room.files:,} more; ask for a larger quota of "
            "inodes, or work in another folder."
        )
    return None


def _quota() -> Room | None:
    """The tightest of the user's quotas as ``quota -w`` prints them; None where there is none."""
    if shutil.which("quota") is None:
        return None
    rooms = []
    for line in ask("quota", "--no-wrap", "--raw-grace").stdout.splitlines():
        # filesystem, blocks, quota, limit, grace, files, quota, limit, grace; an exceeded one ends in *
        cells = line.replace("*", "").split()
        if len(cells) == 9 and all(cell.isdigit() for cell in cells[1:]):
            blocks, _, most_blocks, _, files, _, most_files, _ = map(int, cells[1:])
            if most_blocks:
                left = max(0, most_files - files) if most_files else None
                rooms.append(Room(max(0, most_blocks - blocks) * _BLOCK, left, f"your quota on {cells[0]}"))
    return min(rooms, key=lambda room: room.bytes, default=None)
