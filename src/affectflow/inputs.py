"""What the user owns: folders told apart by content, so that a touched file re-runs nothing, and tables in folders."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from affectflow.errors import UserError

_TABLES = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".txt", ".tsv")
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_WHOLE = 1 << 20  # files up to this size are read whole
_SAMPLE = 1 << 16  # of larger ones, which are videos, the beginning, the middle and the end


@cache
def folder_fingerprint(root: Path) -> str:
    """Hex digest of the names, sizes and contents of all files below ``root``, hidden ones left out.

    Of pictures, of which a set may have millions, names and sizes have to do.
    """
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            size = path.stat().st_size
            digest.update(f"{relative.as_posix()}\0{size}\0".encode())
            if path.suffix.lower() in _PICTURES:
                continue
            with path.open("rb") as stream:
                for start in (0,) if size <= _WHOLE else (0, size // 2, size - _SAMPLE):
                    stream.seek(start)
                    digest.update(stream.read(_WHOLE if size <= _WHOLE else _SAMPLE))
    return digest.hexdigest()[:20]


def table_files(path: Path) -> list[Path]:
    """A table itself, or all tables below a folder, in order; raises :class:`UserError` where there is none."""
    if not path.is_dir():
        return [path]
    files = (p for p in path.rglob("*") if p.suffix.lower() in _TABLES and not p.name.startswith((".", "~$")))
    found = sorted(p for p in files if p.is_file())
    if not found:
        raise UserError(f"{path} holds no table; expected .xlsx, .csv or TAB separated .txt.")
    return found
