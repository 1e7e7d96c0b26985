"""What a configuration needs of a cluster."""

from __future__ import annotations

from pathlib import Path

from affectflow.cluster.doctor import ResourceRequirements
from affectflow.plan import Plan
from affectflow.spreadsheet.read import read_sheets


def needs_of(plan: Plan) -> ResourceRequirements:
    """Reads the spreadsheets, for their number of rows."""
    tables = [Path(table) for table in plan.data.tables()] if plan.data.configured("emotionet") else []
    rows = (1 for table in tables if table.is_file() for sheet in read_sheets(table) for _ in sheet.rows)
    return ResourceRequirements(plan.models.gpus(), plan.given_paths(), sum(rows))
