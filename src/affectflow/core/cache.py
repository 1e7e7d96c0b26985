"""Cache keys, and a store of files that were made under a key.

Snakemake decides which jobs run, by their declared files and params. What outlives a job and is not declared (records,
annotation videos, faces, failed downloads, checkpoints, converted videos) is valid while its cache key is the same: a
digest of the settings, code, libraries and rows that decide it. The workflow has no early cut-off, so a job that runs
again with the same key hands on the same bytes within a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from affectflow.core.atomic import atomic_write


def fingerprint(value: Any, rows: Iterable[Any] = ()) -> str:
    """Return the hex digest of a value, and of rows that follow it.

    Args:
        value: Anything that JSON can hold.
        rows: More such values, which are read one at a time.
    """
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode())
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()


def cache_key(
    *, settings: Any = None, code: str = "", libraries: Mapping[str, str] | None = None, rows: Iterable[Any] = ()
) -> str:
    """Return the key under which something is kept.

    Args:
        settings: Values that decide the content.
        code: Digest of the code that does (:mod:`affectflow.core.code`).
        libraries: Versions of the libraries that do, such as those that decode images.
        rows: Rows that it is made from.
    """
    return fingerprint({"settings": settings, "code": code, "libraries": dict(libraries or {})}, rows)


def file_sha256(path: Path | str) -> str:
    """Return the hex digest of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def make_or_reuse(store: Path, key: str, outputs: Sequence[Path], make: Callable[[Sequence[Path]], object]) -> bool:
    """Make files, unless a store has them under the same key.

    Stored files are handed on as hard links where the file system allows, so they cost no space. A kill at any time
    leaves a complete entry or none, and a stored file that was damaged is made again.

    Args:
        store: Folder of this entry alone.
        key: The cache key.
        outputs: Files to write.
        make: Writes the files; called with one path in the store for each.

    Returns:
        Whether nothing had to be made.
    """
    entry, stored_key = store / "entry", store / "cache_key"
    names = [path.name for path in outputs]
    known = stored_key.is_file() and stored_key.read_text() == _sealed(key, entry, names)
    if not known:
        stored_key.unlink(missing_ok=True)
        shutil.rmtree(entry, ignore_errors=True)
        entry.mkdir(parents=True)
        make([entry / name for name in names])
        with atomic_write(stored_key) as partial:
            partial.write_text(_sealed(key, entry, names))
    for path in outputs:
        _link(entry / path.name, path)
    return known


def _sealed(key: str, entry: Path, names: Sequence[str]) -> str:
    """Return a key with the digests of the files that are stored under it."""
    return "\n".join([key, *(file_sha256(entry / name) if (entry / name).is_file() else "-" for name in names)])


def _link(source: Path, target: Path) -> None:
    with atomic_write(target) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
    os.utime(target)  # made now, as far as the workflow is concerned


_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_READ_COMPLETELY = 1 << 20
"""Bytes up to which a file is read completely."""
_SAMPLE = 1 << 16
"""Bytes that are read at the beginning, in the middle and at the end of a larger file, which is a video."""


@cache
def folder_fingerprint(root: Path) -> str:
    """Return the hex digest of the names, sizes and contents of all files below a folder, without hidden ones.

    Images, of which a set may have millions, are known by their names and sizes alone.
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            size = path.stat().st_size
            digest.update(os.fsencode(f"{relative.as_posix()}\0{size}\0"))
            if path.suffix.lower() not in _IMAGES:
                _add_content(digest, path, size)
    return digest.hexdigest()[:20]


def content_fingerprint(path: Path) -> str:
    """Return the hex digest of a file's content: all of it, or of a video its size, beginning, middle and end."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{size}".encode())
    _add_content(digest, path, size)
    return digest.hexdigest()


def _add_content(digest: hashlib._Hash, path: Path, size: int) -> None:
    with path.open("rb") as stream:
        for start in (0,) if size <= _READ_COMPLETELY else (0, size // 2, size - _SAMPLE):
            stream.seek(start)
            digest.update(stream.read(_READ_COMPLETELY if size <= _READ_COMPLETELY else _SAMPLE))
