"""Make the snapshot of a downloaded set, and the card that its scores cite."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from affectflow.contracts.snapshot_card import SnapshotCard
from affectflow.core.errors import UserError
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import STORED
from affectflow.download.snapshot import Comparison, Entry, Snapshot
from affectflow.tables.parquet import parquet_rows


def take_snapshot(ledger: Path, samples: Path | None) -> Snapshot:
    """Make a snapshot: the image of every URL that gave one, with split and group.

    Args:
        ledger: Table of the downloads.
        samples: Table of the samples; None to leave splits and groups empty.

    Raises:
        UserError: Where the ledger has no image, or the samples are of another download.
    """
    splits = _splits(samples) if samples is not None else None
    entries: dict[str, Entry] = {}
    for row in parquet_rows(ledger, LEDGER_SCHEMA):
        if row["outcome"] in STORED:
            split, group = ("", "") if splits is None else splits.get(row["sha256"], ("", ""))
            if splits is None or split:
                entries[row["url"]] = Entry(row["url_orig"], row["sha256"], split, group)
    snapshot = Snapshot(entries)
    if not entries:
        raise UserError(f"{ledger} has no image; run the download again.")
    if splits is not None and (missing := len(splits) - len(snapshot.images())):
        raise UserError(f"{samples} has {missing} images that {ledger} lacks; give tables of the same run.")
    return snapshot


def _splits(samples: Path) -> dict[str, tuple[str, str]]:
    return {row["sha256"]: (row["split"], row["group"]) for row in parquet_rows(samples, SAMPLES_SCHEMA)}


def write_card(snapshot: Snapshot, comparison: Comparison | None, path: Path) -> None:
    """Write what scores cite: id and size of the set and, where a snapshot is reproduced, the difference from it.

    Args:
        snapshot: Snapshot of the set.
        comparison: The difference from the snapshot that was reproduced; None where none was.
        path: The card.
    """
    images = snapshot.images()
    splits = Counter(split for split, _ in images.values())
    values: dict[str, Any] = {"id": snapshot.id, "urls": len(snapshot.entries), "images": len(images)}
    values["splits"] = dict(sorted(splits.items()))
    if comparison is not None:
        values["reproduces"] = comparison.summary()
    SnapshotCard.model_validate(values).write(path)
