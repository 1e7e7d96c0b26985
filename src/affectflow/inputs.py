"""Fingerprints of folders that the user owns, so that a touched file re-runs nothing and a changed one does."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_WHOLE = 1 << 20  # files up to this size are read whole
_SAMPLE = 1 << 16  # of larger ones, which are videos, the beginning, the middle and the end


@cache
def folder_fingerprint(root: Path) -> str:
    """Hex digest of the names, sizes and contents of all files below ``root``, hidden ones left out."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            size = path.stat().st_size
            digest.update(f"{relative.as_posix()}\0{size}\0".encode())
            with path.open("rb") as stream:
                for start in (0,) if size <= _WHOLE else (0, size // 2, size - _SAMPLE):
                    stream.seek(start)
                    digest.update(stream.read(_WHOLE if size <= _WHOLE else _SAMPLE))
    return digest.hexdigest()[:20]
