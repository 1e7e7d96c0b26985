"""Check the disk space for a download: bytes and inodes of the file system, and of the user's quota on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from affectflow.cluster.slurm import run_command

BYTES_PER_IMAGE = 200_000
"""More than most images of the web have at the sizes that faces are labelled at."""
_QUOTA_BLOCK = 1024
"""Bytes of a block in quota's output."""
_OWN_QUOTA_TOOLS = ("lustre", "gpfs", "beegfs", "ceph", "panfs", "wekafs")
"""Types of file systems whose quotas only their own tools show."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many bytes or inodes are left, and which ``resource`` limits them."""

    left: int
    resource: str


def shortage(folder: Path, images: int) -> str | None:
    """Return a sentence if a number of images does not fit into a folder, None if it does.

    Args:
        folder: The folder; it need not exist yet.
        images: How many images will be stored.
    """
    space, inodes = zip(*_limits(_first_existing(folder)), strict=True)
    least_space = min(filter(None, space), key=lambda limit: limit.left)
    least_inodes = min(filter(None, inodes), key=lambda limit: limit.left, default=None)
    if (needed := images * BYTES_PER_IMAGE) > least_space.left:
        return (
            f"{images:,} images take about {needed / 1e9:,.0f} GB, and {least_space.resource} has "
            f"{least_space.left / 1e9:,.0f} GB left; work in a folder with more disk space."
        )
    if least_inodes is not None and images > least_inodes.left:
        return (
            f"{images:,} images are as many files, and {least_inodes.resource} takes {least_inodes.left:,} more; ask "
            "for a larger quota of inodes, or work in another folder."
        )
    return None


def unknown_quota(folder: Path) -> str:
    """Return the type of a folder's file system if only its own tool shows the quota, else ""."""
    path, mounts = _first_existing(folder), []
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split()
        if path.is_relative_to(point):
            mounts.append((len(point), kind))
    kind = max(mounts, default=(0, ""))[1]
    return kind if kind.removeprefix("fuse.") in _OWN_QUOTA_TOOLS else ""


def _first_existing(folder: Path) -> Path:
    """Return the folder, or the nearest parent that exists."""
    path = folder.resolve()
    while not path.exists():
        path = path.parent
    return path


def _limits(path: Path) -> Iterator[tuple[Limit | None, Limit | None]]:
    """Yield limits of bytes and of inodes, first the file system's; inodes are None where they are not counted."""
    found, resource = os.statvfs(path), f"the disk of {path}"
    inodes = Limit(found.f_favail, resource) if found.f_files else None
    yield Limit(found.f_bavail * found.f_frsize, resource), inodes
    if shutil.which("quota") is None:
        return
    for line in run_command("quota", "--no-wrap", "--raw-grace", f"--filesystem={path}").stdout.splitlines():
        # filesystem, blocks, quota, limit, grace, files, quota, limit, grace; * follows what is exceeded
        cells = line.replace("*", "").split()
        if len(cells) == 9 and all(cell.isdigit() for cell in cells[1:]):
            blocks, _, max_blocks, _, files, _, max_files, _ = map(int, cells[1:])
            resource = f"your quota on {cells[0]}"
            yield (
                Limit(max(0, max_blocks - blocks) * _QUOTA_BLOCK, resource) if max_blocks else None,
                Limit(max(0, max_files - files), resource) if max_files else None,
            )
