"""Recognize a data set by the names of its folders and files."""

from __future__ import annotations

import csv
from pathlib import Path

from affectflow.core.errors import UserError
from affectflow.datasets.base import find_folder, folders, visible
from affectflow.datasets.own import TABLE
from affectflow.tables.csv_files import open_text
from affectflow.tables.files import table_files

EMOTIONET_TABLES = "emotionet's tables"


def recognize(path: Path) -> str:
    """Return the name of the data set at a path, or ``EMOTIONET_TABLES``.

    Raises:
        UserError: If it is not a known data set or table.
    """
    if path.is_file():
        return "own" if _has_column_image(path) else EMOTIONET_TABLES
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give the folder of a data set, or a table.")
    if find_folder(path, "ActionUnit_Labels"):
        return "disfa"
    if find_folder(path, "AU Labels", "AULabels"):
        return "amfed"
    annotations = find_folder(path, "annotations")
    if any(root and find_folder(root, "VA_Set", "VA_Estimation_Challenge") for root in (path, annotations)):
        return "affwild2"
    if annotations and find_folder(path, "videos"):
        return "affwild"
    if (path / TABLE).is_file():
        return "own"
    labels = find_folder(path, "Labels") or path
    trials = (trial for subject in folders(labels) for trial in folders(subject))
    if any(path.name.lower().startswith("au") for trial in trials for path in visible(trial, ".txt")):
        return "disfaplus"
    table_files(path)
    return EMOTIONET_TABLES


def _has_column_image(path: Path) -> bool:
    if path.suffix.lower() != ".csv":
        return False
    with open_text(path) as stream:
        return "image" in next(csv.reader([stream.readline()]), [])
