"""Ledger and samples -> the snapshot of a set, and what its scores cite."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from affectflow.core.atomic import atomic_write
from affectflow.core.errors import UserError
from affectflow.datasets.samples_table import SAMPLES_SCHEMA
from affectflow.download.ledger import LEDGER_SCHEMA
from affectflow.download.outcomes import OK
from affectflow.download.snapshot import Comparison, Entry, Snapshot
from affectflow.tables.parquet import parquet_rows


def take_snapshot(ledger: Path, samples: Path | None) -> Snapshot:
    """What every URL that gave an image gave, in which split and group; without samples these are "".

    Raises :class:`UserError` where there is none, or the samples are not of this download.
    """
    sides = _sides(samples) if samples is not None else None
    entries: dict[str, Entry] = {}
    for row in parquet_rows(ledger, LEDGER_SCHEMA):
        if row["outcome"] == OK:
            split, group = ("", "") if sides is None else sides.get(row["sha256"], ("", ""))
            if sides is None or split:
                entries[row["url"]] = Entry(row["url_orig"], row["sha256"], split, group)
    snapshot = Snapshot(entries)
    if not entries:
        raise UserError(f"{ledger} holds no image; run the download again.")
    if sides is not None and (lost := len(sides) - len(snapshot.images())):
        raise UserError(f"{samples} holds {lost} images that {ledger} does not; take both of the same run.")
    return snapshot


def _sides(samples: Path) -> dict[str, tuple[str, str]]:
    return {row["sha256"]: (row["split"], row["group"]) for row in parquet_rows(samples, SAMPLES_SCHEMA)}


def write_card(snapshot: Snapshot, comparison: Comparison | None, path: Path) -> None:
    """What scores cite: the set's id and size and, where another set was to be reproduced, how far it was."""
    images = snapshot.images()
    splits = Counter(split for split, _ in images.values())
    card: dict[str, Any] = {"id": snapshot.id, "urls": len(snapshot.entries), "images": len(images)}
    card["splits"] = dict(sorted(splits.items()))
    if comparison is not None:
        card["reproduces"] = comparison.summary()
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
