"""Finding out quickly that a job's own input has not changed.

The workflow has no early cut-off: when a job runs again, so does all that depends on it. Stages that are split
over many jobs therefore keep what they made in a store that the workflow does not declare, under a fingerprint
of their own rows, settings and code, and hand the same bytes on again within a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from affectflow.core.atomic import atomic_write


def fingerprint(settings: Any, rows: Iterable[Any] = ()) -> str:
    """Hex digest of anything that JSON can hold."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def file_sha256(path: Path | str) -> str:
    """Hex digest of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remembered(store: Path, mark: str, outputs: Sequence[Path], make: Callable[[Sequence[Path]], None]) -> bool:
    """Make ``outputs`` unless the store has them under ``mark``; True when nothing had to be made.

    ``make`` gets one path in the store for each output. Stored files are handed on as hard links where the file
    system allows, so they cost no space. A kill at any time leaves either a complete entry or none.
    """
    entry = store / "entry"
    stamp = store / "mark"
    names = [path.name for path in outputs]
    known = stamp.is_file() and stamp.read_text() == _sealed(mark, entry, names)
    if not known:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(entry, ignore_errors=True)
        entry.mkdir(parents=True)
        make([entry / path.name for path in outputs])
        with atomic_write(stamp) as partial:
            partial.write_text(_sealed(mark, entry, names))
    for path in outputs:
        _link(entry / path.name, path)
    return known


def _sealed(mark: str, entry: Path, names: Sequence[str]) -> str:
    """The mark with the contents that it vouches for: what was damaged since is made again."""
    return "\n".join([mark, *(file_sha256(entry / name) if (entry / name).is_file() else "-" for name in names)])


def _link(source: Path, target: Path) -> None:
    with atomic_write(target) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
    os.utime(target)  # made now, as far as the workflow is concerned


_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_WHOLE = 1 << 20  # files up to this size are read whole
_SAMPLE = 1 << 16  # of larger ones, which are videos, the beginning, the middle and the end


@cache
def folder_fingerprint(root: Path) -> str:
    """Hex digest of the names, sizes and contents of all files below ``root``, hidden ones left out.

    Of images, of which a set may have millions, names and sizes have to do.
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            size = path.stat().st_size
            digest.update(f"{relative.as_posix()}\0{size}\0".encode())
            if path.suffix.lower() in _IMAGES:
                continue
            with path.open("rb") as stream:
                for start in (0,) if size <= _WHOLE else (0, size // 2, size - _SAMPLE):
                    stream.seek(start)
                    digest.update(stream.read(_WHOLE if size <= _WHOLE else _SAMPLE))
    return digest.hexdigest()[:20]
