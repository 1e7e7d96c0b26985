"""Recognize which data set a folder or file is, by its layout."""

from __future__ import annotations

from pathlib import Path

from affectflow import datasets
from affectflow.core.errors import UserError
from affectflow.tables.files import table_files

EMOTIONET_TABLES = "emotionet's tables"


def recognize(path: Path) -> str:
    """Return the name of a data set, or ``EMOTIONET_TABLES``; raises :class:`UserError` for an unknown layout."""
    if not path.exists():
        raise UserError(f"{path} does not exist; give the folder of a data set, or a table.")
    name = datasets.recognize(path)
    if name is not None:
        return name
    table_files(path)
    return EMOTIONET_TABLES
