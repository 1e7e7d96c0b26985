"""Find tables in folders."""

from __future__ import annotations

from pathlib import Path

from affectflow.core.errors import UserError

_TABLES = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".txt", ".tsv")


def table_files(path: Path) -> list[Path]:
    """Return a table itself, or all tables below a folder in order; raises :class:`UserError` where there is none."""
    if not path.is_dir():
        return [path]
    files = (p for p in path.rglob("*") if p.suffix.lower() in _TABLES and not p.name.startswith((".", "~$")))
    found = sorted(p for p in files if p.is_file())
    if not found:
        raise UserError(f"{path} has no table; put .xlsx, .csv or TAB separated .txt files there.")
    return found
