"""What a configuration needs of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from affectflow.plan import Plan
from affectflow.spreadsheet.read import read_sheets


@dataclass(frozen=True, slots=True)
class Needs:
    """GPUs by model, files and folders that nodes must see, and how many images will be downloaded."""

    gpus: Mapping[str, int]
    paths: Sequence[Path]
    images: int


def needs_of(plan: Plan) -> Needs:
    """Reads the spreadsheets, for their number of rows."""
    tables = [Path(table) for table in plan.data.tables()] if plan.data.configured("emotionet") else []
    rows = (1 for table in tables if table.is_file() for sheet in read_sheets(table) for _ in sheet.rows)
    return Needs(plan.models.gpus(), plan.given_paths(), sum(rows))
