"""Survey EmotioNet's tables as the first stage of the workflow reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from affectflow import facs
from affectflow.inspection.survey import Survey
from affectflow.spreadsheet.ingest import LABEL_COLUMNS, REJECT_COLUMNS, count_empty, ingest
from affectflow.spreadsheet.rates import KNOWN_PERCENT
from affectflow.tables.csv_files import read_csv

_CLASSES = {"1": "present", "0": "absent"}


def survey_tables(tables: Sequence[Path]) -> Survey:
    """Count rows and labels; rejected rows are problems. Raise :class:`UserError` where the stage would."""
    found = Survey()
    urls: set[int] = set()
    with tempfile.TemporaryDirectory() as name:
        labels, rejects = Path(name, "labels.csv"), Path(name, "rejects.csv")
        ingest(tables, labels, rejects)
        for row in read_csv(labels, LABEL_COLUMNS):
            found.images += 1
            urls.add(hash(row["url"]))
            for label in facs.LABELS:
                if row[label] in _CLASSES:
                    found.labels[label][_CLASSES[row[label]]] += 1
        for row in read_csv(rejects, REJECT_COLUMNS):
            if empty := count_empty(row["reason"]):
                found.left_out["empty row"] += empty
                continue
            sheet = f", sheet {row['sheet']}" if row["sheet"] else ""
            found.problems.append(f"{row['table']}{sheet}, row {row['row']}: {row['reason']}")
    if repeated := found.images - len(urls):
        found.left_out["row with a URL that another row has"] = repeated
    found.labels = {label: found.labels[label] for label in facs.LABELS if label in found.labels}
    return found


def rates(found: Survey) -> list[str]:
    """Format how often the AUs with known rates are positive, each with the known rate."""
    lines = []
    for unit, known in KNOWN_PERCENT.items():
        counts = found.labels.get(facs.label(unit))
        if counts:
            lines.append(f"  {facs.label(unit):5} {100 * counts['present'] / counts.total():5.1f} % ({known} %)")
    return lines
