"""A snapshot and a download: what of the one is not in the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectflow.download.ledger import LEDGER_SCHEMA, inert
from affectflow.download.outcomes import OK
from affectflow.snapshot.form import Snapshot
from affectflow.tables import parquet_rows, write_csv

COLUMNS = ("url", "sha256", "split", "group", "outcome", "detail", "picture")
_UNLISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a download came out beside a snapshot; ``differences`` are rows of ``COLUMNS``, in the snapshot's order."""

    id: str
    urls: int
    pictures: int
    differences: Sequence[tuple[str, ...]]
    lost: int
    """Pictures that no URL gave."""

    def summary(self) -> dict[str, Any]:
        """For a score file."""
        outcomes = Counter(row[COLUMNS.index("outcome")] for row in self.differences)
        return {
            "id": self.id,
            "urls": self.urls,
            "pictures": self.pictures,
            "pictures_lost": self.lost,
            "urls_that_differ": dict(sorted(outcomes.items())),
        }


def compare(reference: Snapshot, ledger: Path) -> Comparison:
    """Each URL of ``reference`` that did not give its image, with the outcome, or ``not_listed``.

    Its picture may be there all the same, by another URL.
    """
    there: set[str] = set()
    found: dict[str, tuple[str, str, str]] = {}
    for row in parquet_rows(ledger, LEDGER_SCHEMA):
        if row["outcome"] == OK:
            there.add(row["sha256"])
        if row["url"] in reference.entries:
            found[row["url"]] = row["outcome"], row["detail"], row["sha256"]
    pictures = reference.pictures()
    differences = []
    for url, entry in reference.entries.items():
        outcome, detail, sha256 = found.get(url, (_UNLISTED, "", ""))
        if outcome == OK and sha256 == entry.sha256:
            continue
        if outcome == OK:  # fetched before it was known what was wanted
            outcome, detail = "changed", f"the image's SHA-256 is {sha256}"
        picture = "came by another URL" if entry.sha256 in there else "lost"
        differences.append((url, entry.sha256, entry.split, entry.group, outcome, detail, picture))
    return Comparison(reference.id, len(reference.entries), len(pictures), differences, len(pictures.keys() - there))


def write_differences(comparison: Comparison, path: Path) -> None:
    """A row for each URL that did not give its image."""
    write_csv(path, COLUMNS, (list(map(inert, row)) for row in comparison.differences))
